//go:build servers

package kinesis_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A place is where a record stands in a stream.
type place struct {
	shard string
	at    stream.Position
}

// writers are the configurations of producers whose records Java reads, and whether they make aggregates.
var writers = []struct {
	name      string
	aggregate bool
	tags      bool
	change    func(*kinesis.Config)
}{
	{"plain", false, false, func(c *kinesis.Config) { c.Aggregation, c.Tags = kinesis.AggregateOff, false }},
	{"strict", false, false, func(c *kinesis.Config) {
		c.Mode, c.Aggregation, c.Tags = kinesis.Strict, kinesis.AggregateOff, false
	}},
	{"same-key", true, false, func(c *kinesis.Config) { c.Aggregation, c.Tags = kinesis.SameKey, false }},
	{"by-shard", true, false, func(c *kinesis.Config) {
		c.Mode, c.Aggregation, c.Tags = kinesis.Unordered, kinesis.ByShard, false
	}},
	{"tags", true, true, func(c *kinesis.Config) { c.Aggregation, c.Tags = kinesis.SameKey, true }},
	{"tags-only", true, true, func(c *kinesis.Config) { c.Aggregation, c.Tags = kinesis.AggregateOff, true }},
	{"tags-by-shard", true, true, func(c *kinesis.Config) {
		c.Mode, c.Aggregation, c.Tags, c.CBOR = kinesis.Unordered, kinesis.ByShard, true, true
	}},
}

// Amazon's client library reads everything that producers of this library write: data, keys and places are as they were
// acknowledged.
func TestInteropKCL2Reads(t *testing.T) {
	readBy(t, testenv.KCLConfig{Version: testenv.KCL2})
}

func readBy(t *testing.T, configs ...testenv.KCLConfig) {
	i := newInterop(t, 2)
	for _, c := range configs {
		i.app = "app" + c.Version + c.Mode
		i.rows(t)
	}
	at := map[string]map[place]*stream.Record{}
	all := 0
	for _, w := range writers {
		at[w.name] = i.write(t, w.name, w.tags, w.change)
		all += len(at[w.name])
	}
	for _, c := range configs {
		t.Run("version "+c.Version+strings.ToLower(c.Mode), func(t *testing.T) {
			i := &interop{stream: i.stream, app: "app" + c.Version + c.Mode, way: i.way, history: newHistory()}
			c.Worker = "java"
			java := i.javaJoins(t, c)
			i.until(t, "all records", func(events []happening) bool {
				return len(recordsOf(events)) >= all
			})
			events, _ := i.snapshot()
			got := recordsOf(events)
			require.Len(t, got, all)
			for _, w := range writers {
				for p, rec := range at[w.name] {
					requireSame(t, w.name, rec, got[p])
				}
			}
			java.requireSound(t)
		})
	}
}

// rows has the leases made by a member that reads nothing: the stream is empty still.
func (i *interop) rows(t *testing.T) {
	b := openConfig(t, i.config(t))
	c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
		Group: i.app, Streams: []string{i.stream}, End: stream.Latest(),
	})
	require.NoError(t, err)
	require.NoError(t, c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return nil })))
	require.NoError(t, b.Close())
	require.Len(t, i.items(t), 2)
}

// recordsOf are the records of a history by their place. One that came twice is told by the key "twice".
func recordsOf(events []happening) map[place]happening {
	all := map[place]happening{}
	for _, e := range events {
		if e.kind != "record" {
			continue
		}
		p := place{e.shard, e.at}
		if _, twice := all[p]; twice {
			e.key = "twice"
		}
		all[p] = e
	}
	return all
}

// requireSame requires that Java got what was written. A key that cannot be a partition key becomes another one, and a
// tombstone an empty value.
func requireSame(t *testing.T, writer string, want *stream.Record, got happening) {
	t.Helper()
	require.Equal(t, "record", got.kind, "%s: the record of key %.20q is missing", writer, want.Key)
	require.Equal(t, string(want.Value), got.value, "%s: value of key %.20q", writer, want.Key)
	if odd := len(want.Key) == 0 || want.Key[0] == 0 || len(want.Key) > 256; odd {
		require.True(t, strings.HasPrefix(got.key, "sp-"), "%s: key %.40q", writer, got.key)
		return
	}
	require.Equal(t, string(want.Key), got.key, writer)
}

// write stores records of every kind that a producer takes, and returns them by where they were acknowledged.
func (i *interop) write(t *testing.T, name string, tags bool, change func(*kinesis.Config)) map[place]*stream.Record {
	c := i.config(t)
	change(&c)
	p, err := stream.NewProducer(t.Context(), openConfig(t, c), stream.ProducerConfig{DeliveryTimeout: javaPatience})
	require.NoError(t, err)
	var mu sync.Mutex // guards what follows
	at, packed, failed := map[place]*stream.Record{}, 0, error(nil)
	send := func(all ...*stream.Record) {
		for _, rec := range all {
			p.SendAsync(t.Context(), rec, func(a stream.Ack, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = err
					return
				}
				at[place{a.Partition, a.Position}] = a.Record
				if _, sub := shard.Sequence(a.Position); sub > 0 {
					packed++
				}
			})
		}
		require.NoError(t, p.Flush(t.Context()))
	}
	all := kinds(i.stream, name, tags)
	for n := 0; n < 50 && packed == 0 && c.Aggregation == kinesis.ByShard; n++ { // it does not know the shards at once
		send(all[0], all[6])
	}
	warm := len(at)
	packed = 0
	send(all...)
	require.NoError(t, p.Close(t.Context()))
	require.NoError(t, failed)
	require.Len(t, at, warm+len(all), "places differ")
	t.Logf("%s: %d records, %d behind another one in an aggregate", name, len(at), packed)
	if c.Aggregation == kinesis.AggregateOff {
		require.Zero(t, packed)
	} else {
		require.Greater(t, packed, len(all)/3)
	}
	return at
}

func kinds(name, writer string, tags bool) []*stream.Record {
	var all []*stream.Record
	add := func(key, value []byte, headers ...stream.Header) {
		all = append(all, &stream.Record{Stream: name, Key: key, Value: value, Headers: headers})
	}
	for n := range 60 {
		add(fmt.Appendf(nil, "%s-%d", writer, n%6), fmt.Appendf(nil, "%d", n))
	}
	add([]byte(writer+"-ключ"), []byte{0, 0xff, 0xf3, 0x89, 0x9a, 0xc2})
	add([]byte(writer+"-empty"), []byte{})
	add([]byte(writer+"-large"), bytes.Repeat([]byte{7}, 300<<10))
	if !tags {
		return all
	}
	add(nil, []byte("no key"))
	add([]byte{}, []byte("empty key"))
	add([]byte{0, 0xff, 0xfe}, []byte("binary key"))
	add(bytes.Repeat([]byte("long"), 500), []byte("long key"))
	add([]byte(writer+"-tombstone"), nil)
	add([]byte(writer+"-headers"), []byte("v"), stream.Header{Key: "a", Value: []byte{0, 0xff}}, stream.Header{Key: "a"},
		stream.Header{Key: "", Value: []byte("x")}, stream.Header{Key: "\xff", Value: bytes.Repeat([]byte("y"), 5000)})
	all[len(all)-1].Time = time.UnixMilli(1_700_000_000_123)
	return all
}
