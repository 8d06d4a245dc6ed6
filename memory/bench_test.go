package memory

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func benchSink(b *testing.B, p Profile, partitions int) (*Backend, stream.Sink) {
	back, err := Open(b.Context(), Config{Profile: p, Streams: []stream.StreamConfig{{Name: "s", Partitions: partitions}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = back.Close() })
	s, err := back.OpenSink(b.Context(), stream.SinkConfig{Member: "p", Observe: func(stream.Event) {}})
	if err != nil {
		b.Fatal(err)
	}
	return back, s
}

func benchRecords(n int) []*stream.Record {
	recs := make([]*stream.Record, n)
	for i := range recs {
		recs[i] = &stream.Record{Stream: "s", Key: fmt.Appendf(nil, "key-%03d", i), Value: make([]byte, 93)}
	}
	return recs
}

// restart empties the log before it fills the machine's memory.
func restart(b *testing.B, back *Backend, stored *int, more int) {
	if *stored += more; *stored >= 200_000 {
		b.StopTimer()
		for _, p := range (*back.topics.Load())["s"].partitions() {
			p.trim(p.end)
		}
		*stored = 0
		b.StartTimer()
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, p := range []Profile{Strict, Kafka} {
		for _, partitions := range []int{1, 4, 16} {
			for _, batch := range []int{1, 100} {
				b.Run(fmt.Sprintf("%v/partitions=%d/batch=%d", p, partitions, batch), func(b *testing.B) {
					back, s := benchSink(b, p, partitions)
					recs := benchRecords(100)
					done := func(stream.Ack, error) {}
					stored := 0
					b.ReportAllocs()
					b.ResetTimer()
					for i := 0; i < b.N; i += batch {
						at := i % 100
						if batch == 100 {
							at = 0
						}
						s.Append(b.Context(), recs[at:at+batch], done)
						restart(b, back, &stored, batch)
					}
				})
			}
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, p := range []Profile{Strict, Kafka} {
		b.Run(p.String(), func(b *testing.B) {
			back, s := benchSink(b, p, 1)
			recs := benchRecords(100)
			for range 1000 {
				s.Append(b.Context(), recs, func(stream.Ack, error) {})
			}
			into := make([]stream.Record, 256)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; {
				src, err := back.OpenSource(b.Context(), stream.SourceConfig{Member: "m", Streams: []string{"s"}, Grace: time.Second,
					Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				c, err := src.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for got := 0; got < 100_000; {
					n, err := c.Fetch(b.Context(), into)
					if err != nil {
						b.Fatal(err)
					}
					got += n
					i += n
				}
				_ = src.Close(b.Context())
			}
		})
	}
}
