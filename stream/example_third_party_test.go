package stream_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// The skeleton of a backend of one's own: a slice in the place of a service. It reads without groups only and says so;
// everything that a service's code uses works on it all the same.
func Example_thirdPartyBackend() {
	ctx := context.Background()
	b := &sliceBackend{changed: make(chan struct{})}
	fill(b, "notes", "k=first", "k=second")
	fmt.Println(values(b, "notes"))

	_, err := stream.NewProducer(ctx, b, stream.ProducerConfig{
		Streams: []string{"notes"}, Require: stream.Requirements{Transactions: stream.Native},
	})
	fmt.Println(err)
	// Output:
	// first second
	// open producer: unsupported: notes: Transactions: want native, have unknown (it could not be found out, which does not mean none); way out: let the backend find out, or use a Checkpointer in your own database for exactly-once effects
}

type sliceBackend struct {
	mu      sync.Mutex // guards what follows
	recs    []stream.Record
	changed chan struct{} // closed and replaced when a record is added
}

func (b *sliceBackend) Capabilities(context.Context, string) (stream.Capabilities, error) {
	order := stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "one slice"}
	return stream.Capabilities{PartitionOrder: order, KeyOrder: order, Partitions: 1}, nil
}

func (b *sliceBackend) OpenSink(context.Context, stream.SinkConfig) (stream.Sink, error) {
	return sliceSink{b}, nil
}

func (b *sliceBackend) OpenSource(_ context.Context, c stream.SourceConfig) (stream.Source, error) {
	if c.Group != "" {
		return nil, &stream.Error{Op: "open source", Err: fmt.Errorf("%w: there are no groups", stream.ErrUnsupported)}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &sliceSource{backend: b, stream: c.Streams[0], end: -1, ended: make(chan struct{})}
	if kind, _, _ := c.End.Parts(); kind == stream.StartLatest {
		s.end = len(b.recs)
	}
	return s, nil
}

func (b *sliceBackend) Close() error { return nil }

type sliceSink struct{ backend *sliceBackend }

func (s sliceSink) Append(_ context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	for _, r := range recs {
		s.backend.mu.Lock()
		stored := *r
		stored.Partition = "0"
		stored.Position = stream.MakePosition([3]uint64{0, 0, uint64(len(s.backend.recs) + 1)}, 0, 0)
		if stored.Time.IsZero() {
			stored.Time = time.Now()
		}
		s.backend.recs = append(s.backend.recs, stored)
		close(s.backend.changed)
		s.backend.changed = make(chan struct{})
		s.backend.mu.Unlock()
		done(stream.Ack{Record: r, Partition: "0", Position: stored.Position}, nil)
	}
}

func (s sliceSink) Flush(context.Context) error { return nil }
func (s sliceSink) Close(context.Context) error { return nil }

// sliceSource grants the one partition once.
type sliceSource struct {
	backend *sliceBackend
	stream  string
	end     int // -1: none
	granted bool
	ended   chan struct{}
}

func (s *sliceSource) Next(ctx context.Context) (stream.Claim, error) {
	if !s.granted {
		s.granted = true
		return &sliceClaim{source: s}, nil
	}
	select {
	case <-s.ended:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *sliceSource) Close(context.Context) error { return nil }

type sliceClaim struct {
	source *sliceSource
	next   int
}

func (c *sliceClaim) Hold() stream.Hold {
	never := make(chan struct{})
	return stream.Hold{Stream: c.source.stream, Partition: "0", Asked: never, Lost: never}
}

func (c *sliceClaim) Seek(_ context.Context, after stream.Position) error {
	major, _, _ := after.Parts()
	c.next = int(major[2])
	return nil
}

func (c *sliceClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	b := c.source.backend
	for {
		b.mu.Lock()
		recs, changed := b.recs, b.changed
		b.mu.Unlock()
		if c.source.end >= 0 {
			recs = recs[:c.source.end]
		}
		if c.next < len(recs) {
			n := copy(into, recs[c.next:])
			c.next += n
			return n, nil
		}
		if c.source.end >= 0 {
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (c *sliceClaim) Checkpoint(context.Context, stream.Checkpoint) error {
	return stream.ErrUnsupported
}

func (c *sliceClaim) Release(_ context.Context, finished bool) error {
	if finished {
		close(c.source.ended)
	}
	return nil
}
