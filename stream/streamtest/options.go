package streamtest

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// options asks for every option and limit, and records what was said. It judges nothing by itself.
func options(t *T) {
	t.oddStreams()
	t.oddProducers()
	t.oddConsumers()
	t.everyRequirement()
	t.oddRecords()
	t.journey()
}

func (t *T) oddStreams() {
	for _, c := range []stream.StreamConfig{
		{}, {Partitions: 1}, {Partitions: 5}, {Retention: time.Hour}, {Retention: 24 * time.Hour},
		{Retention: 7 * 24 * time.Hour},
		{Retention: 400 * 24 * time.Hour}, {Retention: -1}, {MaxRecordBytes: 1 << 10}, {MaxRecordBytes: 1 << 20},
		{MaxRecordBytes: 10 << 20},
		{MaxRecordBytes: 11 << 20}, {MaxRecordBytes: 1 << 40}, {Compacted: true},
	} {
		question := fmt.Sprintf("a stream %+v", c)
		c.Name = t.name("odd")
		t.answer(question, t.MakeStream(t.ctx, c))
	}
	for what, name := range map[string]string{
		"dots": "..", "a space": "a b", "a slash": "a/b", "letters": "ABC.abc_1-2", "129 letters": strings.Repeat("n", 129),
		"250 letters": strings.Repeat("n", 250),
	} {
		t.answer("a stream whose name is "+what, t.MakeStream(t.ctx, stream.StreamConfig{Name: name}))
	}
}

// opensProducer records whether a producer can be opened, and closes it.
func (t *T) opensProducer(question string, c stream.ProducerConfig) {
	p, err := stream.NewProducer(t.ctx, t.Backend, c)
	if err == nil {
		err = p.Close(t.ctx)
	}
	t.answer(question, err)
}

func (t *T) oddProducers() {
	name := t.stream(1)
	for question, c := range map[string]stream.ProducerConfig{
		"a producer by default":                {},
		"a producer of one stream":             {Streams: []string{name}},
		"a producer of no such stream":         {Streams: []string{t.name("nowhere")}},
		"a producer of a stream without name":  {Streams: []string{""}},
		"a producer that requires of nothing":  {Require: stream.Requirements{KeyOrder: stream.Native}},
		"a producer with a name":               {Member: "orders-1"},
		"a producer with 1 session":            {Sessions: 1},
		"a producer with -1 sessions":          {Sessions: -1},
		"a producer that delivers within 1 ms": {DeliveryTimeout: time.Millisecond},
		"a producer that delivers within -1 s": {DeliveryTimeout: -time.Second},
		"a producer with a buffer of 1 record": {BufferedRecords: 1},
		"a producer with a negative buffer":    {BufferedRecords: -1},
		"a producer with a buffer of 1 byte":   {BufferedBytes: 1},
		"a producer with a negative size":      {BufferedBytes: -1},
	} {
		t.opensProducer(question, c)
	}
}

// runs records whether a consumer can be made and runs to its end.
func (t *T) runs(question string, c stream.ConsumerConfig) {
	consumer, err := stream.NewConsumer(t.ctx, t.Backend, c)
	if err == nil {
		ctx, cancel := context.WithTimeout(t.ctx, 10*prompt)
		err = consumer.Run(ctx, stream.Each(func(context.Context, *stream.Record) error { return nil }))
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		cancel()
	}
	t.answer(question, err)
}

func (t *T) oddConsumers() {
	name := t.stream(1)
	t.send(numbered(name, 1, 3)...)
	partition := t.partitionNames(name)[0]
	now := time.Now()
	for question, c := range map[string]stream.ConsumerConfig{
		"a consumer by default":             {},
		"a consumer with a group":           {Group: t.name("group")},
		"a consumer that starts at the end": {Start: stream.Latest()},
		"a consumer that starts at a time":  {Start: stream.Since(now.Add(-time.Hour))},
		"a consumer that starts in future":  {Start: stream.Since(now.Add(time.Hour))},
		"a consumer that starts at no time": {Start: stream.Since(time.Time{})},
		"a consumer that starts nowhere":    {Start: stream.After(stream.Position{})},
		"a consumer of one partition":       {Partitions: []string{partition}},
		"a consumer of one partition from nowhere": {Partitions: []string{partition},
			Start: stream.After(stream.Position{})},
		"a consumer after a position of no record": {
			Partitions: []string{partition}, Start: stream.After(stream.MakePosition([3]uint64{math.MaxUint64, 1, 1}, 7, 0)),
		},
		"a consumer of no such partition":       {Partitions: []string{"nowhere"}},
		"a consumer of a partition twice":       {Partitions: []string{partition, partition}},
		"a consumer of a group's one partition": {Group: t.name("group"), Partitions: []string{partition}},
		"a consumer that goes on at the oldest": {Expired: stream.ExpiredOldest},
		"a consumer that goes on at the latest": {Expired: stream.ExpiredLatest},
		"a consumer that goes on somehow":       {Expired: "somehow"},
		"a consumer with no patience":           {Grace: -1},
		"a consumer with a Checkpointer":        {Group: t.name("group"), Checkpointer: stream.MemoryCheckpointer()},
		"a consumer that ends at a time":        {End: stream.Since(now.Add(-time.Hour))},
	} {
		c.Streams = []string{name}
		if c.End == (stream.Start{}) {
			c.End = stream.Latest()
		}
		t.runs(question, c)
	}
	t.runs("a consumer of nothing", stream.ConsumerConfig{})
	t.runs("a consumer of no such stream", stream.ConsumerConfig{Streams: []string{t.name("nowhere")}})
	t.runs("a consumer of a stream twice", stream.ConsumerConfig{Streams: []string{name, name}})
}

// everyRequirement requires each capability in several amounts.
func (t *T) everyRequirement() {
	name := t.stream(1)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[stream.Requirements]()) {
		amounts := map[string]int64{"1": 1, "1 KiB": 1 << 10, "1 MiB": 1 << 20, "more than there is": enough, "-1": -1}
		switch field.Type {
		case reflect.TypeFor[stream.Support]():
			amounts = map[string]int64{"emulated": int64(stream.Emulated), "native": int64(stream.Native), "4": 4}
		case reflect.TypeFor[time.Duration]():
			amounts = map[string]int64{"1 h": int64(time.Hour),
				"1 day": int64(24 * time.Hour), "8 days": int64(8 * 24 * time.Hour), "-1": -1}
		}
		for words, amount := range amounts {
			t.opensProducer(fmt.Sprintf("requiring %s %s", field.Name, words), stream.ProducerConfig{
				Streams: []string{name}, Require: requiring(field.Name, amount),
			})
		}
	}
}

func (t *T) oddRecords() {
	name := t.stream(1)
	key, value := []byte("k"), []byte("v")
	header := func(headers ...stream.Header) *stream.Record {
		return &stream.Record{Stream: name, Key: key, Value: value, Headers: headers}
	}
	at := func(at time.Time) *stream.Record {
		return &stream.Record{Stream: name, Key: key, Value: value, Time: at}
	}
	odd := map[string]*stream.Record{
		"nil":          nil,
		"of no stream": {Key: key, Value: value}, "of no such stream": {Stream: t.name("nowhere"), Key: key, Value: value},
		"without key": {Stream: name, Value: value}, "with a nil value": {Stream: name, Key: key},
		"with an empty value": {Stream: name, Key: key, Value: []byte{}}, "with neither": {Stream: name},
		"with a header":           header(stream.Header{Key: "a", Value: value}),
		"with a header twice":     header(stream.Header{Key: "a", Value: value}, stream.Header{Key: "a", Value: value}),
		"with a nameless header":  header(stream.Header{Value: value}),
		"with a header of nil":    header(stream.Header{Key: "a"}),
		"with a binary header":    header(stream.Header{Key: "\xff", Value: value}),
		"with 128 headers":        header(make([]stream.Header, maxHeaders)...),
		"with 129 headers":        header(make([]stream.Header, maxHeaders+1)...),
		"with 256 KiB of headers": header(stream.Header{Key: "a", Value: make([]byte, 256<<10)}),
		"of 1970":                 at(time.Unix(1, 0)), "of 1969": at(time.Unix(-1, 0)), "of now": at(time.Now()),
		"of an hour ago": at(time.Now().Add(-time.Hour)), "of tomorrow": at(time.Now().Add(24 * time.Hour)),
		"of the year 9999":  at(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)),
		"of the year 10000": at(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		"of 1 MiB":          {Stream: name, Key: key, Value: make([]byte, 1<<20)},
		"of nearly 1 MiB":   {Stream: name, Key: key, Value: make([]byte, 1<<20-1<<10)},
		"of 11 MiB":         {Stream: name, Key: key, Value: make([]byte, 11<<20)},
	}
	for what, k := range oddKeys() {
		odd["whose key is "+what] = &stream.Record{Stream: name, Key: []byte(k), Value: value}
	}
	p := t.producer(stream.ProducerConfig{})
	for what, rec := range odd {
		t.answer("a record "+what, p.Send(t.ctx, rec))
	}
}

// journey follows a few records through a group: what is delivered, and again, and what checkpoints do.
func (t *T) journey() {
	name := t.stream(1)
	t.send(numbered(name, 1, 6)...)
	c := t.sourceConfig(t.name("group"), name)
	source, err := t.Backend.OpenSource(t.ctx, c)
	t.answer("a group", err)
	if err != nil {
		return
	}
	claim, recs := t.claimed(source)
	t.answer("what a group is given first", texts(recs))
	t.answer("positions that grow", grow(recs))
	t.answer("a checkpoint", claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[2].Position}))
	t.answer("a checkpoint of nothing delivered",
		claim.Checkpoint(t.ctx, stream.Checkpoint{Position: stream.MakePosition([3]uint64{0, 0, 1 << 40}, 9, 0)}))
	_, err = t.Backend.OpenSource(t.ctx, c)
	t.answer("a member whose name is in use", err)
	if t.Crash != nil {
		t.answer("a crash", t.Crash(c.Group, c.Member))
		t.answer("a checkpoint after a crash", claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[3].Position}))
		_, err = claim.Fetch(t.ctx, make([]stream.Record, 1))
		t.answer("a fetch after a crash", err)
		_, err = source.Next(t.ctx)
		t.answer("a grant after a crash", err)
	}
	_ = claim.Release(t.ctx, false)
	_ = source.Close(t.ctx)
	next := t.sourceConfig(c.Group, name)
	source = t.source(next)
	claim, recs = t.claimed(source)
	t.answer("what the next member is given", texts(recs))
	t.answer("a release", claim.Release(t.ctx, false))
	t.answer("a checkpoint after the release", claim.Checkpoint(t.ctx, stream.Checkpoint{Position: recs[0].Position}))
	_, err = claim.Fetch(t.ctx, make([]stream.Record, 1))
	t.answer("a fetch after the release", err)
	t.answer("a second release", claim.Release(t.ctx, false))
	t.answer("leaving the group", source.Close(t.ctx))
	_, err = source.Next(t.ctx)
	t.answer("a grant after leaving", err)
}

// texts are the values of records.
func texts(recs []stream.Record) string {
	values := make([]string, len(recs))
	for i := range recs {
		values[i] = string(recs[i].Value)
	}
	return strings.Join(values, " ")
}

// grow reports whether each position is after the one before.
func grow(recs []stream.Record) bool {
	for i := 1; i < len(recs); i++ {
		if recs[i-1].Position.Compare(recs[i].Position) >= 0 {
			return false
		}
	}
	return true
}
