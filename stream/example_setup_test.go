package stream_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// open is the backend of the examples: memory with the profile Kafka and the named streams, of one partition each unless
// the name says otherwise: "orders:4".
func open(streams ...string) *memory.Backend {
	c := memory.Config{Profile: memory.Kafka}
	for _, s := range streams {
		name, partitions, _ := strings.Cut(s, ":")
		n := 1
		if partitions != "" {
			fmt.Sscan(partitions, &n)
		}
		c.Streams = append(c.Streams, stream.StreamConfig{Name: name, Partitions: n})
	}
	b, err := memory.Open(context.Background(), c)
	if err != nil {
		panic(err)
	}
	return b
}

// fill sends "key=value" records.
func fill(b stream.Backend, name string, records ...string) {
	ctx := context.Background()
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		panic(err)
	}
	for _, r := range records {
		key, value, _ := strings.Cut(r, "=")
		if err := p.Send(ctx, &stream.Record{Stream: name, Key: []byte(key), Value: []byte(value)}); err != nil {
			panic(err)
		}
	}
	if err := p.Close(ctx); err != nil {
		panic(err)
	}
}

// values are those that a stream holds, joined.
func values(b stream.Backend, name string) string {
	ctx := context.Background()
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Streams: []string{name}, End: stream.Latest()})
	if err != nil {
		panic(err)
	}
	var all []string
	err = c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
		all = append(all, string(r.Value))
		return nil
	}))
	if err != nil {
		panic(err)
	}
	return strings.Join(all, " ")
}
