package kafkago_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/stream"
)

// A program's own configuration on the simulator: what kafka-go cannot do, the simulator cannot either.
func ExampleSimulate() {
	ctx := context.Background()
	config := kafka.Config{Brokers: []string{"localhost:9092"}, Client: kafka.KafkaGo}
	b, err := kafkago.Simulate(config, 1) // in production: kafkago.Open(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	if err := stream.EnsureStream(ctx, b, stream.StreamConfig{Name: "payments", Partitions: 2}); err != nil {
		fmt.Println(err)
	}
	can, err := b.Capabilities(ctx, "payments")
	fmt.Println("key order:", can.KeyOrder.Support, err)
	fmt.Println("idempotent produce:", can.IdempotentProduce.Support)
	fmt.Println("transactions:", can.Transactions.Support)
	// Output:
	// key order: native <nil>
	// idempotent produce: native
	// transactions: none
}
