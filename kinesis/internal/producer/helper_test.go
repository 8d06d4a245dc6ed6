package producer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/producer"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// probe answers what a test set.
type probe struct {
	mu    sync.Mutex // guards what follows
	facts producer.Facts
}

func (p *probe) Facts(string) producer.Facts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.facts
}

func (p *probe) set(f producer.Facts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.facts = f
}

func someSettings() settings.Settings {
	return settings.Settings{
		Mode: settings.KeyOrdered, Aggregation: settings.AggregateOff, Linger: 5 * time.Millisecond,
		AggregateBytes: 51_200, AggregateRecords: 4096, InFlight: 24, Share: 1, PutTimeout: 6 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func someConfig() stream.SinkConfig {
	return stream.SinkConfig{
		Member: "m", DeliveryTimeout: 30 * time.Second, BufferedRecords: 10_000, BufferedBytes: 64 << 20,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// A rig is a sink on a fake.
type rig struct {
	*fake
	*producer.Sink
	t     testing.TB
	probe *probe
	answers
}

// open makes a rig. The test closes its sink.
func open(t testing.TB, f *fake, s settings.Settings, c stream.SinkConfig) *rig {
	t.Helper()
	p := &probe{facts: producer.Facts{RecordBytes: 1 << 20, Shards: len(f.shards)}}
	sink, err := producer.New(f, s, c, p)
	require.NoError(t, err)
	return &rig{fake: f, Sink: sink, t: t, probe: p, answers: answers{got: map[*stream.Record][]answer{}}}
}

// An answer is what done was called with.
type answer struct {
	ack stream.Ack
	err error
}

// answers collects them.
type answers struct {
	mu    sync.Mutex // guards what follows
	got   map[*stream.Record][]answer
	order []*stream.Record
}

func (a *answers) done(ack stream.Ack, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got[ack.Record] = append(a.got[ack.Record], answer{ack, err})
	a.order = append(a.order, ack.Record)
}

// of is the one answer of a record.
func (a *answers) of(t testing.TB, r *stream.Record) answer {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Len(t, a.got[r], 1)
	return a.got[r][0]
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.order)
}

// send appends records one by one.
func (r *rig) send(recs ...*stream.Record) {
	for _, rec := range recs {
		r.Append(context.Background(), []*stream.Record{rec}, r.done)
	}
}

// settle waits until everything is answered.
func (r *rig) settle() { require.NoError(r.t, r.Flush(context.Background())) }

func (r *rig) shutDown() { require.NoError(r.t, r.Close(context.Background())) }

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func record(key, value string) *stream.Record {
	return &stream.Record{Stream: "s", Key: []byte(key), Value: []byte(value)}
}

// keyed makes records of one key whose values are numbers.
func keyed(key string, n int) []*stream.Record {
	recs := make([]*stream.Record, n)
	for i := range recs {
		recs[i] = record(key, fmt.Sprintf("%s/%03d", key, i))
	}
	return recs
}

func values(recs []*stream.Record) []string {
	all := make([]string, len(recs))
	for i, r := range recs {
		all[i] = string(r.Value)
	}
	return all
}
