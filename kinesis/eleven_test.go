package kinesis_test

import (
	"context"
	"crypto/md5" //nolint:gosec // KPL's checksum
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// eleven are the scenarios in which other libraries lose records or deliver what is too old, and the first three of them
// together, where others trade one for another. Lacks tells what a world must be able to do and, where it cannot, why.
var eleven = []struct {
	name  string
	play  func(p *play)
	lacks func(w *world) string
}{
	{"a split is seen while the parent's first record is in its handler", splitInHandler, nil},
	{"a member dies before any checkpoint", diesBeforeCheckpoint, nil},
	{"a handler fails before any checkpoint", failsBeforeCheckpoint, nil},
	{"a group is born at Latest after a reshard", bornAfterReshard, nil},
	{"the first three together", firstThree, nil},
	{"a handler is ten times as slow as the session", slowHandler, nil},
	{"a record is poison", poison, nil},
	{"an aggregate does not decode", tornAggregate, func(w *world) string {
		return unless(w.put != nil, "there are no aggregates: records are what they are")
	}},
	{"a child has no checkpoint and its parent is trimmed", parentsTrimmed, func(w *world) string {
		return unless(w.age != nil, "nothing passes retention here")
	}},
	{"a save of an older hold comes late", lateSave, nil},
	{"one record is retried for ever", retriedForEver, nil},
	{"a cancel comes in the middle of the last page of a closed shard", cancelInLastPage, nil},
	{"a lease is lost", leaseLost, nil},
	{"later records are done and the first is not", laterDone, nil},
}

func unless(can bool, why string) string {
	if can {
		return ""
	}
	return why
}

// perform plays all scenarios, each in a world of its own, inside of what in gives: a bubble or nothing.
func perform(t *testing.T, in func(*testing.T, func(*testing.T)), make func(t *testing.T) *world) {
	for _, e := range eleven {
		t.Run(e.name, func(t *testing.T) {
			in(t, func(t *testing.T) {
				w := make(t)
				if e.lacks != nil {
					if why := e.lacks(w); why != "" {
						t.Logf("not played: %s", why)
						return
					}
				}
				p := &play{T: t, w: w}
				defer p.end()
				e.play(p)
			})
		})
	}
}

func TestElevenOnMemory(t *testing.T) { perform(t, synctest.Test, memoryWorld) }

func TestElevenOnTheFake(t *testing.T) { perform(t, synctest.Test, fakeWorld) }

// memoryWorld is the simulator as Kinesis: the double must not succeed where the adapter fails, nor fail where it does not.
func memoryWorld(t *testing.T) *world {
	b, err := memory.Open(t.Context(), memory.Config{
		Profile: memory.Kinesis, Session: failover, NoRateLimits: true, Seed: 1,
		Streams: []stream.StreamConfig{{Name: "s", Partitions: 1}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return &world{
		stream: "s", session: failover, bulk: bulk(), age: pastRetention,
		open:   func(testing.TB) stream.Backend { return shared{b} },
		shards: func() []string { return b.Partitions("s") },
		split:  func(shard string) error { return b.Split("s", shard) },
		merge:  func(left, right string) error { return b.Merge("s", left, right) },
		pause:  func(member string) error { return b.Pause("g", member) },
		resume: func(member string) error { return b.Resume("g", member) },
		take:   func(member string) error { return b.Expel("g", member) },
	}
}

// bulk is 80 MiB: more than a reader holds, of the answer that it reads, the one behind it and the one on its way.
func bulk() int {
	if raced {
		return 0
	}
	return 160
}

// A shared backend is closed by somebody else.
type shared struct{ *memory.Backend }

func (shared) Close() error { return nil }

func fakeWorld(t *testing.T) *world {
	s := serve(1)
	require.NoError(t, s.Create("s", 1))
	pause := func(member string) error { return s.wires.pause("g", member) }
	return &world{
		stream: "s", session: failover, bulk: bulk(), age: pastRetention,
		open: func(t testing.TB) stream.Backend { return openConfig(t, s.config()) },
		shards: func() []string {
			in := &awskinesis.ListShardsInput{StreamName: text("s")}
			out, err := openConfig(t, s.config()).Clients().Kinesis.ListShards(t.Context(), in)
			require.NoError(t, err)
			return idsOf(out)
		},
		split: func(shard string) error {
			_, _, err := s.Split("s", shard)
			return err
		},
		merge: func(left, right string) error {
			_, err := s.Merge("s", left, right)
			return err
		},
		pause: pause, take: pause,
		resume: func(member string) error { return s.wires.resume("g", member) },
		put: func(t testing.TB, key string, data []byte) {
			putRaw(t, openConfig(t, s.config()).Clients().Kinesis, "s", key, data)
		},
	}
}

// pastRetention is longer than Kinesis keeps records by default.
func pastRetention() { time.Sleep(25 * time.Hour) }

// putRaw stores bytes as a program without this library would.
func putRaw(t testing.TB, c *awskinesis.Client, name, key string, data []byte) {
	t.Helper()
	_, err := c.PutRecord(t.Context(), &awskinesis.PutRecordInput{
		StreamName: &name, PartitionKey: &key, Data: data,
	})
	require.NoError(t, err)
}

func idsOf(out *awskinesis.ListShardsOutput) []string {
	var ids []string
	for _, s := range out.Shards {
		ids = append(ids, *s.ShardId)
	}
	return ids
}

func text(s string) *string { return &s }

// torn is an aggregate of which the first record decodes and the second does not: its key is none of the table.
func torn() []byte {
	message := []byte{
		0x0a, 1, 'k',
		0x1a, 5, 0x08, 0, 0x1a, 1, 'a',
		0x1a, 5, 0x08, 9, 0x1a, 1, 'b',
		0x1a, 5, 0x08, 0, 0x1a, 1, 'c',
	}
	return sealed(message)
}

// sealed puts KPL's magic number and checksum around a message.
func sealed(message []byte) []byte {
	sum := md5.Sum(message) //nolint:gosec // see above
	return slices.Concat([]byte{0xf3, 0x89, 0x9a, 0xc2}, message, sum[:])
}

// Test 1: children wait until the parent's records have left their handler, and then start at their beginning.
func splitInHandler(p *play) {
	let := make(chan struct{})
	p.read("a", stream.Latest(), blocked("1", let)).granted(1)
	p.tick()
	p.send("1")
	p.handling("1")
	children := p.split(p.first())
	p.send("2", "3", "4", "5", "6", "7", "8", "9")
	p.tick() // listings show the children
	require.Equal(p, []string{"1"}, p.values(&p.begun))
	close(let)
	p.handled("1", "2", "3", "4", "5", "6", "7", "8", "9")
	p.order("1", children)
}

// Test 2: what a member at Latest did not checkpoint, the next one gets.
func diesBeforeCheckpoint(p *play) {
	a := p.read("a", stream.Latest(), blocked("1", nil))
	a.granted(1)
	p.tick()
	p.send("1", "2", "3")
	p.handling("1")
	a.die()
	p.send("4")
	p.read("b", stream.Latest(), quick)
	p.handled("1", "2", "3", "4")
}

func failsBeforeCheckpoint(p *play) {
	a := p.read("a", stream.Latest(), failing("1"))
	a.granted(1)
	p.tick()
	p.send("1", "2", "3")
	require.ErrorIs(p, a.wait(), errWork)
	p.send("4")
	p.read("b", stream.Latest(), quick)
	p.handled("1", "2", "3", "4")
}

// Test 3: nothing older than a group's birth reaches it.
func bornAfterReshard(p *play) {
	p.send("old 1", "old 2", "old 3")
	p.split(p.first())
	p.send("old 4", "old 5", "old 6", "old 7", "old 8")
	p.tick()
	p.read("a", stream.Latest(), quick).granted(2)
	p.tick()
	p.send("1", "2", "3", "4", "5", "6", "7", "8")
	p.handled("1", "2", "3", "4", "5", "6", "7", "8")
}

func firstThree(p *play) {
	p.send("old 1", "old 2")
	p.split(p.first())
	p.send("old 3", "old 4", "old 5", "old 6")
	p.tick()
	a := p.read("a", stream.Latest(), blocked("1", nil))
	a.granted(2)
	p.tick()
	p.send("1")
	held := p.handling("1")
	children := p.split(held.shard)
	p.send("2", "3", "4", "5", "6", "7", "8", "9")
	p.until("the other shard's records", func() bool { return len(p.seen(&p.done)) > 0 })
	had := p.values(&p.done) // of the other shard, and perhaps checkpointed
	a.die()
	b := p.read("b", stream.Latest(), quick)
	p.until("the children", func() bool { return b.happened(stream.EventEnded) >= 1 })
	require.NoError(p, p.w.merge(children[0], children[1]))
	p.send("10", "11", "12", "13")
	want := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"}
	p.until("all records", func() bool {
		got := p.values(&p.done)
		return !slices.ContainsFunc(want, func(v string) bool { return !slices.Contains(got, v) })
	})
	p.tick()
	again := slices.DeleteFunc(p.values(&p.done), func(v string) bool { return slices.Contains(had, v) })
	require.ElementsMatch(p, slices.DeleteFunc(want, func(v string) bool { return slices.Contains(had, v) }), again)
	p.order("1", children)
}

// Test 4: the renewer does not wait for the handler.
func slowHandler(p *play) {
	p.split(p.first())
	var mu sync.Mutex
	busy := map[string]bool{}
	slow := func(ctx context.Context, part *stream.Partition, _ *stream.Record) error {
		enter := func(in bool) {
			mu.Lock()
			defer mu.Unlock()
			require.NotEqual(p, in, busy[part.Name], "two handlers at a time in %s", part.Name)
			busy[part.Name] = in
		}
		enter(true)
		defer enter(false)
		select {
		case <-time.After(10 * p.w.session):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	a, b := p.read("a", stream.Start{}, slow), p.read("b", stream.Start{}, slow)
	p.until("balance", func() bool {
		holds := func(r *reading) int { return r.happened(stream.EventGranted) - r.happened(stream.EventReleased) }
		return holds(a) == 1 && holds(b) == 1
	})
	p.send("1", "2", "3")
	p.handled("1", "2", "3")
	require.Zero(p, a.happened(stream.EventLost)+b.happened(stream.EventLost))
}

// Tests 5 and 11: no checkpoint passes what was not done.
func poison(p *play) {
	p.send("1", "2", "3")
	for _, member := range []string{"a", "b"} {
		r := p.read(member, stream.Start{}, failing("2"))
		require.ErrorIs(p, r.wait(), errWork)
	}
	p.read("c", stream.Start{}, quick)
	p.handled("1", "2", "3")
}

func tornAggregate(p *play) {
	p.send("1")
	p.w.put(p, "k", torn())
	p.send("2")
	for _, member := range []string{"a", "b"} {
		err := p.read(member, stream.Start{}, quick).wait()
		require.ErrorIs(p, err, stream.ErrCorrupt)
		var placed *stream.Error
		require.True(p, errors.As(err, &placed))
		require.Equal(p, p.first(), placed.Partition)
	}
	require.Equal(p, []string{"1", "a"}, p.values(&p.done))
}

// Test 6: what is gone is told, and what is left is read from its beginning.
func parentsTrimmed(p *play) {
	a := p.read("a", stream.Latest(), blocked("1", nil))
	a.granted(1)
	p.tick()
	p.send("1")
	p.handling("1")
	parent := p.first()
	p.split(parent)
	a.die()
	p.quiet()
	p.w.age()
	p.send("2", "3", "4", "5")
	b := p.read("b", stream.Latest(), quick)
	p.handled("2", "3", "4", "5")
	require.NotZero(p, b.happened(stream.EventGap), "nobody was told that record 1 is gone")
}

// Test 7: a save of an older hold changes nothing, whatever clocks say and whenever it comes.
func lateSave(p *play) {
	p.send("1", "2", "3")
	refused := make(chan error, 1)
	a := p.read("a", stream.Start{}, func(ctx context.Context, part *stream.Partition, rec *stream.Record) error {
		<-ctx.Done() // it was lost
		refused <- part.Checkpoint(context.WithoutCancel(ctx), rec)
		return context.Cause(ctx)
	})
	p.handling("1")
	require.NoError(p, p.w.pause("a"))
	b := p.read("b", stream.Start{}, quick)
	p.handled("1", "2", "3")
	require.NoError(p, b.stop())
	require.NoError(p, p.w.resume("a"))
	select {
	case err := <-refused:
		require.ErrorIs(p, err, stream.ErrLost)
	case <-time.After(time.Minute):
		require.FailNow(p, "the hold was not lost")
	}
	_ = a.stop() // it may have been granted the shard again, and lose it now
	p.send("4")
	p.read("c", stream.Start{}, quick)
	p.handled("1", "2", "3", "4")
}

// Test 8: what is fetched meanwhile is bounded, and the end of the shard is not passed.
func retriedForEver(p *play) {
	const large = 512 << 10
	padding := strings.Repeat("x", large)
	p.send("first")
	for i := range p.w.bulk {
		p.sendRecord(&stream.Record{Stream: p.w.stream, Key: fmt.Append(nil, i), Value: []byte(padding)})
	}
	p.split(p.first())
	p.send("last")
	p.quiet()
	before := heap()
	let := make(chan struct{})
	p.read("a", stream.Start{}, blocked("first", let))
	p.handling("first")
	time.Sleep(5 * p.w.session)
	if p.w.bulk == 0 {
		p.Log("memory is not measured: so many bytes would take too long here")
	} else {
		require.Less(p, int64(heap())-int64(before), int64(p.w.bulk*large/2), "what waits is not bounded")
	}
	require.Equal(p, []string{"first"}, p.values(&p.begun))
	close(let)
	p.until("the child's record", func() bool { return slices.Contains(p.values(&p.done), "last") })
	require.Len(p, p.seen(&p.done), p.w.bulk+2)
}

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Test 9: only what was read to its end has ended.
func cancelInLastPage(p *play) {
	p.send("1", "2", "3", "4", "5", "6")
	children := p.split(p.first())
	p.send("7", "8", "9", "10")
	var a *reading
	ready := make(chan struct{})
	a = p.read("a", stream.Start{}, func(_ context.Context, _ *stream.Partition, rec *stream.Record) error {
		if <-ready; string(rec.Value) == "3" {
			a.cancel()
		}
		return nil
	})
	close(ready)
	require.NoError(p, a.wait())
	require.Equal(p, []string{"1", "2", "3"}, p.values(&p.done))
	p.read("b", stream.Start{}, quick)
	p.handled("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	p.order("6", children)
}

// Test 10: whoever lost a shard stops within the lease, and saves nothing.
func leaseLost(p *play) {
	type end struct {
		at  time.Time
		err error // of a save
		why error // of the handler's context
	}
	ended := make(chan end, 1)
	p.send("1")
	a := p.read("a", stream.Start{}, func(ctx context.Context, part *stream.Partition, rec *stream.Record) error {
		<-ctx.Done()
		at := time.Now()
		ended <- end{at, part.Checkpoint(context.WithoutCancel(ctx), rec), context.Cause(ctx)}
		return context.Cause(ctx)
	})
	p.handling("1")
	begun := time.Now()
	require.NoError(p, p.w.take("a"))
	select {
	case e := <-ended:
		require.LessOrEqual(p, e.at.Sub(begun), p.w.session+100*time.Millisecond)
		require.ErrorIs(p, e.why, stream.ErrLost)
		require.ErrorIs(p, e.err, stream.ErrLost)
	case <-time.After(time.Minute):
		require.FailNow(p, "the handler goes on")
	}
	a.die()
	p.read("b", stream.Start{}, quick)
	p.handled("1")
}

// Test 11: the checkpoint is where all before it is done.
func laterDone(p *play) {
	p.send("1", "2", "3")
	b := p.w.open(p)
	c, err := stream.NewConsumer(p.Context(), b, stream.ConsumerConfig{
		Group: "g", Member: "a", Streams: []string{p.w.stream}, CheckpointEvery: 10 * time.Millisecond,
	})
	require.NoError(p, err)
	err = c.Run(p.Context(), func(ctx context.Context, part *stream.Partition) error {
		for rec, err := range part.Records(ctx) {
			switch {
			case err != nil:
				return err
			case string(rec.Value) != "1":
				part.Done(rec)
			}
			if string(rec.Value) == "3" {
				time.Sleep(time.Second) // saves come and go
				return errWork
			}
		}
		return nil
	})
	require.ErrorIs(p, err, errWork)
	require.NoError(p, b.Close())
	p.read("b", stream.Start{}, quick)
	p.handled("1", "2", "3")
}
