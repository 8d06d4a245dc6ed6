package stream_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// A service says what it needs, and learns before it starts what the stream lacks: here transactions, and records of
// 2 MiB, on a simulated Kinesis.
func ExampleNewProducer_requirements() {
	ctx := context.Background()
	b, err := memory.Open(ctx, memory.Config{Profile: memory.Kinesis, Streams: []stream.StreamConfig{{Name: "orders"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	need := stream.Requirements{KeyOrder: stream.Emulated, Transactions: stream.Native, MaxRecordBytes: 2 << 20}
	_, err = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"orders"}, Require: need})

	fmt.Println("unsupported:", errors.Is(err, stream.ErrUnsupported))
	var gaps stream.Gaps
	if errors.As(err, &gaps) {
		for _, gap := range gaps {
			fmt.Printf("%s/%s: want %s, have %s\n", gap.Stream, gap.Name, gap.Want, gap.Have)
		}
	}
	// Output:
	// unsupported: true
	// orders/Transactions: want native, have none (declared)
	// orders/MaxRecordBytes: want at least 2 MiB, have 1 MiB (declared)
}
