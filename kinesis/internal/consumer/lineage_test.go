package consumer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// latest is the configuration of a group that is born at the end.
func (w *world) latest(group string) stream.SourceConfig {
	c := w.config(group)
	c.Start = stream.Latest()
	return c
}

// keys are enough for both halves of a shard.
var keys = []string{"a", "b", "c", "d", "e", "f", "g", "h"}

func (w *world) putAll(value string) {
	for _, k := range keys {
		w.put(k, value)
	}
}

func (w *world) onlyShard() string {
	open, err := w.server.OpenShards(name)
	require.NoError(w, err)
	require.Len(w, open, 1)
	return open[0]
}

// rest gives back what a member is still granted, with everything settled, and returns the values.
func (w *world) finishAll(s stream.Source, n int) map[string][]string {
	got := map[string][]string{}
	for range n {
		c := w.next(s)
		recs := w.drain(c)
		w.save(c, recs[len(recs)-1])
		w.release(c, true)
		got[c.Hold().Partition] = values(recs)
	}
	return got
}

// A split is seen while the parent's first record is with its handler, in a group that was born at the end (test 1).
func TestChildrenWaitForTheirParentAndBeginAtTheirBeginning(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("old")
		time.Sleep(2 * time.Second)
		s := w.open(w.latest("g"))
		parent := w.next(s)
		time.Sleep(2 * time.Second)
		w.putAll("parent")
		first := w.take(parent, 1)
		require.Equal(w, []string{"parent"}, values(first))
		_, _, err := w.server.Split(name, parent.Hold().Partition)
		require.NoError(w, err)
		w.putAll("child")
		w.noNext(s, 5*time.Minute)
		rest := w.drain(parent)
		require.Len(w, rest, len(keys)-1)
		w.noNext(s, 5*time.Minute)
		w.save(parent, rest[len(rest)-1])
		w.release(parent, true)

		seen := 0
		for range 2 {
			child := w.next(s)
			require.Equal(w, parent.Hold().Partition, child.Hold().Replaces[0].Partition)
			n := 0
			for _, k := range keys {
				if child.Hold().Owns([]byte(k)) {
					n++
				}
			}
			recs := w.take(child, n)
			for _, v := range values(recs) {
				require.Equal(w, "child", v)
			}
			seen += n
		}
		require.Equal(w, len(keys), seen)
		row := w.rows("g")[parent.Hold().Partition]
		require.Equal(w, lease.AtEnd, row.Checkpoint)
		require.Len(w, row.Children, 2)
	})
}

// A member stops before any checkpoint, in a group that was born at the end (test 2).
func TestHandOverBeforeTheFirstCheckpointSkipsNothing(t *testing.T) {
	run(t, 1, func(w *world) {
		s := w.open(w.latest("g"))
		claim := w.next(s)
		time.Sleep(2 * time.Second)
		w.put("k", "a", "b")
		require.Equal(w, []string{"a", "b"}, values(w.take(claim, 2)))
		w.release(claim, false)
		w.close(s)
		time.Sleep(time.Hour)
		w.put("k", "c")
		next := w.next(w.open(w.latest("g")))
		require.Equal(w, []string{"a", "b", "c"}, values(w.take(next, 3)))
	})
}

// A group is born at the end after a reshard: closed shards are read, and nothing of them is old enough (test 3).
func TestGroupBornAtTheEndAfterAReshardGetsNothingOld(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("old")
		_, _, err := w.server.Split(name, w.onlyShard())
		require.NoError(w, err)
		w.putAll("old too")
		time.Sleep(2 * time.Second)
		s := w.open(w.latest("g"))
		parent := w.next(s)
		require.Empty(w, w.drain(parent))
		w.release(parent, true)
		one, two := w.next(s), w.next(s)
		time.Sleep(2 * time.Second)
		w.nothing(one, time.Minute)
		w.nothing(two, time.Minute)
		w.putAll("new")
		seen := 0
		for _, c := range []stream.Claim{one, two} {
			for _, k := range keys {
				if c.Hold().Owns([]byte(k)) {
					require.Equal(w, []string{"new"}, values(w.take(c, 1)))
					seen++
				}
			}
		}
		require.Equal(w, len(keys), seen)
	})
}

func TestMergeWaitsForBothParents(t *testing.T) {
	run(t, 2, func(w *world) {
		w.putAll("parent")
		s := w.open(w.config("g"))
		one, two := w.next(s), w.next(s)
		_, err := w.server.Merge(name, one.Hold().Partition, two.Hold().Partition)
		require.NoError(w, err)
		w.putAll("child")
		recs := w.drain(one)
		require.NoError(w, one.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[len(recs)-1].Position, State: []byte("one")}))
		w.release(one, true)
		w.noNext(s, 5*time.Minute)
		recs = w.drain(two)
		require.NoError(w, two.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[len(recs)-1].Position, State: []byte("two")}))
		w.release(two, true)
		child := w.next(s)
		require.Len(w, w.take(child, len(keys)), len(keys))
		states := map[string]string{}
		for _, p := range child.Hold().Replaces {
			states[p.Partition] = string(p.Saved.State)
		}
		require.Equal(w, map[string]string{one.Hold().Partition: "one", two.Hold().Partition: "two"}, states)
	})
}

// A child without checkpoint whose parents are trimmed from the listing is read from its beginning (test 6).
func TestChildOfTrimmedParentsIsReadFromItsBeginning(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("parent")
		parent := w.onlyShard()
		_, _, err := w.server.Split(name, parent)
		require.NoError(w, err)
		w.putAll("child")
		require.NoError(w, w.server.Trim(name, parent, 0))
		time.Sleep(time.Second)
		s := w.open(w.config("g"))
		seen := 0
		for range 2 {
			child := w.next(s)
			for _, k := range keys {
				if child.Hold().Owns([]byte(k)) {
					require.Equal(w, []string{"child"}, values(w.take(child, 1)))
					seen++
				}
			}
		}
		require.Equal(w, len(keys), seen)
	})
}

func TestChainOfReshardsIsReadInOrder(t *testing.T) {
	run(t, 1, func(w *world) {
		root := w.onlyShard()
		w.putAll("0")
		lower, upper, err := w.server.Split(name, root)
		require.NoError(w, err)
		w.putAll("1")
		merged, err := w.server.Merge(name, lower, upper)
		require.NoError(w, err)
		w.putAll("2")
		_, _, err = w.server.Split(name, merged)
		require.NoError(w, err)
		time.Sleep(time.Second)
		s := w.open(w.config("g"))
		got := w.finishAll(s, 4)
		require.Len(w, got[root], len(keys))
		require.Len(w, slices.Concat(got[lower], got[upper]), len(keys))
		require.Len(w, got[merged], len(keys))
		w.next(s)
		w.next(s)
	})
}

// Times of arrival do not ascend with sequence numbers: what arrived before the group began is dropped wherever it
// stands.
func TestOlderRecordsAreDroppedWhereverTheyStand(t *testing.T) {
	runOn(t, fakekinesis.Config{Seed: 1, Jitter: 5 * time.Second}, 1, func(w *world) {
		for range 100 {
			w.put("k", "v")
			time.Sleep(100 * time.Millisecond)
		}
		c := w.config("g")
		since := time.Now().Add(-5 * time.Second)
		c.Start = stream.Since(since)
		stored, err := w.server.Records(name, "")
		require.NoError(w, err)
		want := 0
		for _, r := range stored {
			if !r.Arrival.Before(since) {
				want++
			}
		}
		require.Less(w, want, 60)
		claim := w.next(w.open(c))
		for _, rec := range w.take(claim, want) {
			require.False(w, rec.Time.Before(since))
		}
		w.nothing(claim, 10*time.Second)
	})
}
