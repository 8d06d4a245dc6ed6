package stream_test

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// Records are transformed by a Backend over a Backend: here every value is sealed on the way in and opened on the way
// out. Tracing, which leaves the records' meaning alone, is a Producer over a Producer.
func Example_wrappingBackend() {
	ctx := context.Background()
	inner := open("orders")
	b := encrypted{inner}

	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("send:", traced{p}.Send(ctx, &stream.Record{Stream: "orders", Key: []byte("a"), Value: []byte("book")}))
	fmt.Printf("stored: %q, read: %q\n", values(inner, "orders"), values(b, "orders"))
	// Output:
	// send: <nil>
	// stored: "cppl", read: "book"
}

// encrypted answers for the capabilities of what it wraps: a sealed value is as long as the open one.
type encrypted struct{ stream.Backend }

func (e encrypted) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	s, err := e.Backend.OpenSink(ctx, c)
	if err != nil {
		return nil, err
	}
	return encryptedSink{s}, nil
}

func (e encrypted) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	s, err := e.Backend.OpenSource(ctx, c)
	if err != nil {
		return nil, err
	}
	return encryptedSource{s}, nil
}

type encryptedSink struct{ stream.Sink }

func (s encryptedSink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	out := make([]*stream.Record, len(recs))
	back := make(map[*stream.Record]*stream.Record, len(recs))
	for i, r := range recs {
		c := *r
		c.Value = seal(c.Value, +1)
		out[i], back[&c] = &c, r
	}
	s.Sink.Append(ctx, out, func(a stream.Ack, err error) { a.Record = back[a.Record]; done(a, err) })
}

type encryptedSource struct{ stream.Source }

func (s encryptedSource) Next(ctx context.Context) (stream.Claim, error) {
	c, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	return encryptedClaim{c}, nil
}

type encryptedClaim struct{ stream.Claim }

func (c encryptedClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	n, err := c.Claim.Fetch(ctx, into)
	for i := range into[:n] {
		into[i].Value = seal(into[i].Value, -1)
	}
	return n, err
}

// seal stands for encryption. Nil, a tombstone, stays nil.
func seal(value []byte, by int8) []byte {
	if value == nil {
		return nil
	}
	out := make([]byte, len(value))
	for i, c := range value {
		out[i] = c + byte(by)
	}
	return out
}

type traced struct{ stream.Producer }

func (t traced) Send(ctx context.Context, recs ...*stream.Record) error {
	return t.Producer.Send(ctx, withTrace(recs)...)
}

func (t traced) Transact(ctx context.Context, f func(stream.Tx) error) error {
	return t.Producer.Transact(ctx, func(tx stream.Tx) error { return f(tracedTx{tx}) })
}

type tracedTx struct{ stream.Tx }

func (t tracedTx) Send(ctx context.Context, recs ...*stream.Record) error {
	return t.Tx.Send(ctx, withTrace(recs)...)
}

func withTrace(recs []*stream.Record) []*stream.Record {
	out := make([]*stream.Record, len(recs))
	for i, r := range recs {
		c := *r
		c.Headers = append(c.Headers[:len(c.Headers):len(c.Headers)], stream.Header{Key: "traceparent", Value: []byte("00-1-1-01")})
		out[i] = &c
	}
	return out
}
