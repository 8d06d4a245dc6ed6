package stream_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// An exporter of lag. It joins nothing, so it disturbs nobody.
func ExampleConsumer_lag() {
	ctx := context.Background()
	b := open("orders")
	fill(b, "orders", "a=1", "b=2", "c=3")

	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "billing", Streams: []string{"orders"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	lags, err := c.Lag(ctx)
	for _, l := range lags {
		if l.Records.Known {
			fmt.Printf("%s/%s is %d records behind\n", l.Stream, l.Partition, l.Records.N)
		}
	}
	fmt.Println("error:", err)
	// Output:
	// orders/0 is 3 records behind
	// error: <nil>
}
