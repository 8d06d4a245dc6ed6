package streamtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// stream makes a stream of the rule's own; partitions 0: as many as the backend likes.
func (t *T) stream(partitions int) string {
	return t.streamLike(stream.StreamConfig{Partitions: partitions})
}

// streamLike makes a stream of the rule's own; its name is chosen here.
func (t *T) streamLike(c stream.StreamConfig) string {
	c.Name = t.name("stream")
	t.ok(t.MakeStream(t.ctx, c), "making a stream of %d partitions (0: any)", c.Partitions)
	return c.Name
}

// name makes a name that nothing else has.
func (t *T) name(what string) string {
	t.mu.Lock()
	t.streams++
	n := t.streams
	t.mu.Unlock()
	name := fmt.Sprintf("streamtest-%s-%s-%d", strings.ToLower(t.rule.name), what, n)
	if !t.Bubble { // the service may remember earlier runs
		name += "-" + strings.ToLower(rand.Text()[:8])
	}
	return name
}

func (t *T) capabilities(name string) stream.Capabilities {
	c, err := t.Backend.Capabilities(t.ctx, name)
	t.ok(err, "Capabilities")
	return c
}

// fieldOf gives a field of Capabilities by its name.
func fieldOf(c stream.Capabilities, name string) any {
	return reflect.ValueOf(c).FieldByName(name).Interface()
}

// claims reports whether the stream has a flag, natively or emulated.
func (t *T) claims(name, flag string) bool {
	f, ok := fieldOf(t.capabilities(name), flag).(stream.Flag)
	return ok && f.Support > stream.None
}

// producer opens a producer that is closed when the rule is over.
func (t *T) producer(c stream.ProducerConfig) stream.Producer {
	p, err := stream.NewProducer(t.ctx, t.Backend, c)
	t.ok(err, "NewProducer")
	t.cleanup(func() { _ = p.Close(t.ctx) }) // the rule has judged what matters
	return p
}

// sinkConfig has the defaults that package stream fills in.
func (t *T) sinkConfig(streams ...string) stream.SinkConfig {
	return stream.SinkConfig{
		Streams: streams, Member: t.name("producer"), Sessions: 4, DeliveryTimeout: 30 * time.Second,
		BufferedRecords: 10_000,
		BufferedBytes:   64 << 20, Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// sink opens a sink that is closed when the rule is over.
func (t *T) sink(streams ...string) stream.Sink {
	s, err := t.Backend.OpenSink(t.ctx, t.sinkConfig(streams...))
	t.ok(err, "OpenSink")
	t.cleanup(func() { _ = s.Close(t.ctx) })
	return s
}

// sourceConfig has the defaults that package stream fills in.
func (t *T) sourceConfig(group string, streams ...string) stream.SourceConfig {
	return stream.SourceConfig{
		Group: group, Member: t.name("member"), Streams: streams, Expired: stream.ExpiredFail, Grace: 20 * time.Second,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// source opens a source that is closed when the rule is over.
func (t *T) source(c stream.SourceConfig) stream.Source {
	s, err := t.Backend.OpenSource(t.ctx, c)
	t.ok(err, "OpenSource")
	t.cleanup(func() { _ = s.Close(t.ctx) })
	return s
}

// consumer makes a consumer.
func (t *T) consumer(c stream.ConsumerConfig) stream.Consumer {
	consumer, err := stream.NewConsumer(t.ctx, t.Backend, c)
	t.ok(err, "NewConsumer")
	return consumer
}

// A running is a Run under way.
type running struct {
	stop context.CancelFunc
	over chan struct{}
	err  error // when over is closed
}

// start runs a consumer until stop is called or the rule is over.
func (t *T) start(c stream.ConsumerConfig, h stream.Handler) *running {
	consumer := t.consumer(c)
	ctx, cancel := context.WithCancel(t.ctx)
	r := &running{stop: cancel, over: make(chan struct{})}
	go func() {
		defer close(r.over)
		r.err = consumer.Run(ctx, h)
	}()
	t.cleanup(func() { cancel(); <-r.over })
	return r
}

// end stops the run and waits for it.
func (r *running) end() error {
	r.stop()
	<-r.over
	return r.err
}

// plain is a record that every backend takes.
func plain(name, key, value string) *stream.Record {
	return &stream.Record{Stream: name, Key: []byte(key), Value: []byte(value)}
}

// numbered makes n records of each key, k0 and on, whose values are key/0, key/1 and on; the keys take turns.
func numbered(name string, keys, n int) []*stream.Record {
	var recs []*stream.Record
	for i := range n {
		for k := range keys {
			key := fmt.Sprintf("k%d", k)
			recs = append(recs, plain(name, key, fmt.Sprintf("%s/%d", key, i)))
		}
	}
	return recs
}

// send stores records, or ends the rule.
func (t *T) send(recs ...*stream.Record) {
	p, err := stream.NewProducer(t.ctx, t.Backend, stream.ProducerConfig{})
	t.ok(err, "NewProducer")
	err = p.Send(t.ctx, recs...)
	_ = p.Close(t.ctx)
	t.ok(err, "sending %d records", len(recs))
}

// read reads all that is stored in a stream by now, and can be read: each partition's records in their order.
func (t *T) read(name string) map[string][]stream.Record {
	return t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}})
}

// readWith is read by a backend and a configuration of the caller's. Unless an end is given, it is the end of now.
func (t *T) readWith(b stream.Backend, c stream.ConsumerConfig) map[string][]stream.Record {
	if c.End == (stream.Start{}) {
		c.End = stream.Latest()
	}
	consumer, err := stream.NewConsumer(t.ctx, b, c)
	t.ok(err, "NewConsumer")
	var mu sync.Mutex
	read := map[string][]stream.Record{}
	err = consumer.Run(t.ctx, func(ctx context.Context, p *stream.Partition) error {
		var recs []stream.Record
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			recs = append(recs, *rec)
		}
		mu.Lock()
		defer mu.Unlock()
		read[p.Name] = append(read[p.Name], recs...)
		return nil
	})
	t.ok(err, "reading all records")
	t.ok(t.ctx.Err(), "reading all records: the reading reached no end")
	return read
}

// all flattens what read returns, partition by partition.
func all(read map[string][]stream.Record) []stream.Record {
	var recs []stream.Record
	for _, name := range slices.Sorted(maps.Keys(read)) {
		recs = append(recs, read[name]...)
	}
	return recs
}

// partitionNames are the partitions that a reading without group is granted, as many as take records.
func (t *T) partitionNames(name string) []string {
	source := t.source(t.sourceConfig("", name))
	var names []string
	for range max(t.capabilities(name).Partitions, 1) {
		claim, err := source.Next(t.ctx)
		t.ok(err, "Next")
		names = append(names, claim.Hold().Partition)
		t.is(claim.Release(t.ctx, false), nil, "Release")
	}
	t.is(source.Close(t.ctx), nil, "Close")
	slices.Sort(names)
	return names
}

// values are those of one key in the order in which they stand, partition by partition.
func values(read map[string][]stream.Record, key string) []string {
	var list []string
	for _, rec := range all(read) {
		if string(rec.Key) == key {
			list = append(list, string(rec.Value))
		}
	}
	return list
}

// await waits for a channel to be closed, and fails if it never is.
func (t *T) await(closed <-chan struct{}, what string) bool {
	select {
	case <-closed:
		return true
	case <-t.ctx.Done():
		t.fail("waited in vain for %s", what)
		return false
	}
}
