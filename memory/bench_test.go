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

// BenchmarkSeek begins to read in the middle of many records.
func BenchmarkSeek(b *testing.B) {
	back, s := benchSink(b, Kafka, 1)
	recs := benchRecords(100)
	const stored = 1_000_000
	for range stored / 100 {
		s.Append(b.Context(), recs, func(stream.Ack, error) {})
	}
	p := (*back.topics.Load())["s"].partitions()[0]
	into := make([]stream.Record, 1)
	b.ResetTimer()
	for i := range b.N {
		cur := cursor{after: uint64(stored/4 + i*7919%(stored/2))}
		if n, _ := p.read(&cur, into, unbounded, nil); n != 1 {
			b.Fatal("nothing read")
		}
	}
}

// BenchmarkRebalance lets members join a group one after the other, each of which takes its share.
func BenchmarkRebalance(b *testing.B) {
	for _, partitions := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("partitions=%d/members=32", partitions), func(b *testing.B) {
			for range b.N {
				rebalanceOnce(b, partitions)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(partitions), "ns/partition")
		})
	}
}

func rebalanceOnce(b *testing.B, partitions int) {
	back, _ := benchSink(b, Kafka, partitions)
	var members []*member
	held := map[*member][]stream.Claim{}
	for i := range 32 {
		src, err := back.OpenSource(b.Context(), stream.SourceConfig{
			Group: "g", Member: fmt.Sprint("m", i), Streams: []string{"s"}, Grace: time.Hour,
			Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		members = append(members, src.(*member))
		for _, m := range members {
			var kept []stream.Claim
			for _, c := range held[m] {
				if !c.(*claim).has(claimAsked) {
					kept = append(kept, c)
					continue
				}
				_ = c.Release(b.Context(), false)
			}
			held[m] = kept
		}
		for _, m := range members {
			for c, _, _ := m.next(); c != nil; c, _, _ = m.next() {
				held[m] = append(held[m], c)
			}
		}
	}
	_ = back.Close()
}
