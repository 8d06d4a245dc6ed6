package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// customers order, and each orders ordersOfEach times.
var customers = []string{"ada", "ben", "cleo"}

const ordersOfEach = 4

// placeOrders fills the stream "orders".
func placeOrders(ctx context.Context, b stream.Backend) error {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		return err
	}
	var orders []*stream.Record
	for number := range ordersOfEach {
		for _, customer := range customers {
			value := fmt.Appendf(nil, "order %d", number+1)
			orders = append(orders, &stream.Record{Stream: "orders", Key: []byte(customer), Value: value})
		}
	}
	return errors.Join(p.Send(ctx, orders...), p.Close(ctx))
}

// readInvoices reads the stream "invoices" to its end, and says how many there are and for whom.
func readInvoices(ctx context.Context, b stream.Backend) (string, error) {
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Streams: []string{"invoices"}, End: stream.Latest()})
	if err != nil {
		return "", err
	}
	var mu sync.Mutex // guards what follows: partitions are read beside each other
	found, all := map[string]int{}, 0
	err = c.Run(ctx, stream.Each(func(_ context.Context, invoice *stream.Record) error {
		mu.Lock()
		defer mu.Unlock()
		found[string(invoice.Key)]++
		all++
		return nil
	}))
	if err != nil {
		return "", err
	}
	var parts []string
	for _, customer := range slices.Sorted(maps.Keys(found)) {
		parts = append(parts, fmt.Sprintf("%d for %s", found[customer], customer))
	}
	return fmt.Sprintf("%d invoices: %s", all, strings.Join(parts, ", ")), nil
}
