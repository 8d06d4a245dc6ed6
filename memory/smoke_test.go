package memory

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func openT(t *testing.T, c Config) *Backend {
	t.Helper()
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func src(group, member string, streams ...string) stream.SourceConfig {
	return stream.SourceConfig{Group: group, Member: member, Streams: streams, Grace: 20 * time.Second,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler)}
}

func TestSmoke(t *testing.T) {
	for _, p := range []Profile{Strict, Kafka, Kinesis} {
		t.Run(p.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { smoke(t, p) }) })
	}
}

func smoke(t *testing.T, p Profile) {
	ctx := t.Context()
	b := openT(t, Config{Profile: p, Streams: []stream.StreamConfig{{Name: "s", Partitions: 8}}})
	s, err := b.OpenSink(ctx, stream.SinkConfig{Member: "p", Observe: func(stream.Event) {}, DeliveryTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	var recs []*stream.Record
	for i := range n {
		recs = append(recs, &stream.Record{Stream: "s", Key: fmt.Appendf(nil, "k%d", i%50), Value: fmt.Appendf(nil, "%d", i)})
	}
	count := 0
	done := func(a stream.Ack, err error) {
		if err != nil {
			t.Error(err)
		}
		count++
	}
	s.Append(ctx, recs[:500], done)
	for _, r := range recs[500:] {
		s.Append(ctx, []*stream.Record{r}, done)
	}
	if err := s.Flush(ctx); err != nil || count != n {
		t.Fatal(err, count)
	}
	m1, err := b.OpenSource(ctx, src("g", "m1", "s"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	last := map[string]int{}
	read := func(c stream.Claim, want int) {
		for want > 0 {
			into := make([]stream.Record, 16)
			k, err := c.Fetch(ctx, into)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range into[:k] {
				var i int
				fmt.Sscan(string(r.Value), &i)
				if prev, ok := last[string(r.Key)]; ok && prev >= i {
					t.Fatalf("%s: %d after %d", r.Key, i, prev)
				}
				last[string(r.Key)] = i
				seen++
			}
			if err := c.Checkpoint(ctx, stream.Checkpoint{Position: into[k-1].Position}); err != nil {
				t.Fatal(err)
			}
			want -= k
		}
	}
	var claims []stream.Claim
	for range 8 {
		c, err := m1.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		claims = append(claims, c)
	}
	lags, err := b.Lag(ctx, src("g", "x", "s"), nil)
	if err != nil || len(lags) != 8 {
		t.Fatal(err, lags)
	}
	cnt := make([]stream.Record, 2000)
	for _, c := range claims[:4] {
		k, _ := c.Fetch(ctx, cnt)
		_ = k
		if err := c.Release(ctx, false); err != nil {
			t.Fatal(err)
		}
	}
	m2, err := b.OpenSource(ctx, src("g", "m2", "s"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range claims[4:] {
		claims[4+i].Release(ctx, false)
	}
	end := src("", "e", "s")
	end.End = stream.Latest()
	e, err := b.OpenSource(ctx, end)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := e.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for {
			into := make([]stream.Record, 16)
			k, err := c.Fetch(ctx, into)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			seen += k
		}
		c.Release(ctx, true)
	}
	if seen != n {
		t.Fatal("seen", seen)
	}
	seen = 0
	for range 4 {
		for _, m := range []stream.Source{m1, m2} {
			c, err := m.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = read
			c.Release(ctx, false)
		}
	}
	b.Abandon("g", "m1")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
