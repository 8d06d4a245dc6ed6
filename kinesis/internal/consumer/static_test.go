package consumer_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/stream"
)

// read reads everything that a configuration selects up to its end, and returns the values by shard.
func (w *world) read(c stream.SourceConfig) map[string][]string {
	w.Helper()
	s := w.open(c)
	defer w.close(s)
	got := map[string][]string{}
	for range 100 {
		ctx, cancel := context.WithTimeout(w.ctx, 10*time.Minute)
		claim, err := s.Next(ctx)
		cancel()
		if errors.Is(err, io.EOF) {
			_, err = s.Next(w.ctx)
			require.ErrorIs(w, err, io.EOF)
			return got
		}
		require.NoError(w, err)
		recs := w.drain(claim)
		if len(recs) > 0 && c.Group != "" && !c.External {
			w.save(claim, recs[len(recs)-1])
		}
		got[claim.Hold().Partition] = append(got[claim.Hold().Partition], values(recs)...)
		w.release(claim, true)
	}
	require.Fail(w, "the end does not come")
	return nil
}

// all are the values of all shards, sorted.
func all(read map[string][]string) []string {
	var every []string
	for _, v := range read {
		every = append(every, v...)
	}
	slices.Sort(every)
	return every
}

func TestReadingWithoutGroupGetsEveryShardUpToTheEnd(t *testing.T) {
	run(t, 3, func(w *world) {
		w.put("a", "1", "2")
		w.put("b", "3")
		w.put("c", "4")
		c := w.config("")
		c.End = stream.Latest()
		read := w.read(c)
		require.Len(w, read, 3)
		require.Equal(w, []string{"1", "2", "3", "4"}, all(read))
		require.Empty(w, w.tables)
	})
}

func TestReadingBetweenTimes(t *testing.T) {
	run(t, 2, func(w *world) {
		w.put("a", "1")
		w.put("b", "2")
		time.Sleep(2 * time.Second)
		middle := time.Now()
		time.Sleep(2 * time.Second)
		w.put("a", "3")
		w.put("b", "4")
		time.Sleep(2 * time.Second)
		for _, group := range []string{"", "g"} {
			between := func(start, end stream.Start) []string {
				if group != "" {
					group += "g"
				}
				c := w.config(group)
				c.Start, c.End = start, end
				return all(w.read(c))
			}
			require.Equal(w, []string{"1", "2"}, between(stream.Start{}, stream.Since(middle)))
			require.Equal(w, []string{"3", "4"}, between(stream.Since(middle), stream.Latest()))
			require.Empty(w, between(stream.Since(middle), stream.Since(middle)))
			require.Empty(w, between(stream.Since(time.Now().Add(time.Hour)), stream.Latest()))
			require.Empty(w, between(stream.Latest(), stream.Latest()))
		}
	})
}

func TestReadingEndsAtATimeToCome(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("a", "1")
		c := w.config("")
		until := time.Now().Add(time.Minute)
		c.End = stream.Since(until)
		done := make(chan []string)
		go func() { done <- all(w.read(c)) }()
		time.Sleep(30 * time.Second)
		w.put("a", "2")
		time.Sleep(time.Minute)
		w.put("a", "3")
		require.Equal(w, []string{"1", "2"}, <-done)
	})
}

func TestReadingBetweenPositions(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putData("k", packed("k", "a", "b", "c", "d"))
		w.put("k", "e", "f")
		claim := w.next(w.open(w.config("")))
		recs := w.take(claim, 6)
		for i := range recs {
			for j := i; j < len(recs); j++ {
				c := w.config("")
				c.Partitions = []string{claim.Hold().Partition}
				c.Start, c.End = stream.After(recs[i].Position), stream.After(recs[j].Position)
				require.Equal(w, values(recs[i+1:j+1]), all(w.read(c)), "after %d up to %d", i, j)
			}
		}
	})
}

func TestReadingWithoutGroupKeepsTheOrderOfLineage(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("0")
		root := w.onlyShard()
		lower, upper, err := w.server.Split(name, root)
		require.NoError(w, err)
		w.putAll("1")
		s := w.open(w.config(""))
		claim := w.next(s)
		require.Equal(w, root, claim.Hold().Partition)
		require.Len(w, w.drain(claim), len(keys))
		w.noNext(s, 5*time.Minute)
		w.release(claim, true)
		one, two := w.next(s), w.next(s)
		require.ElementsMatch(w, []string{lower, upper}, []string{one.Hold().Partition, two.Hold().Partition})
		require.Equal(w, root, one.Hold().Replaces[0].Partition)
		merged, err := w.server.Merge(name, lower, upper)
		require.NoError(w, err)
		w.drain(one)
		w.release(one, true)
		w.noNext(s, 5*time.Minute)
		w.drain(two)
		w.release(two, true)
		require.Equal(w, merged, w.next(s).Hold().Partition)
	})
}

func TestSelectedShardsDoNotWaitForOthers(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("0")
		root := w.onlyShard()
		lower, upper, err := w.server.Split(name, root)
		require.NoError(w, err)
		w.putAll("1")
		got := 0
		for _, id := range []string{lower, upper} {
			c := w.config("")
			c.Partitions, c.End = []string{id}, stream.Latest()
			read := w.read(c)
			require.Len(w, read, 1)
			got += len(read[id])
		}
		require.Equal(w, len(keys), got)
		c := w.config("")
		c.Partitions, c.End = []string{root}, stream.Latest()
		require.Len(w, w.read(c), 1, "what replaces a selected shard is not selected")
	})
}

func TestStaticModeNeedsACheckpointer(t *testing.T) {
	run(t, 1, func(w *world) {
		w.set.LeaseTable = ""
		w.put("k", "a", "b", "c")
		_, err := consumer.New(w.ctx, w.deps, w.set, w.config("g"))
		require.ErrorIs(w, err, stream.ErrUnsupported)
		require.ErrorContains(w, err, "Checkpointer")
		c := w.config("g")
		c.External = true
		s := w.open(c)
		claim := w.next(s)
		recs := w.take(claim, 3)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[0].Position}), stream.ErrUnsupported)
		w.release(claim, false)
		claim = w.next(s)
		require.NoError(w, claim.Seek(w.ctx, recs[1].Position))
		require.Equal(w, []string{"c"}, values(w.take(claim, 1)))
	})
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	run(t, 1, func(w *world) {
		after := stream.After(stream.MakePosition([3]uint64{0, 0, 1}, 0, 0))
		for what, c := range map[string]stream.SourceConfig{
			"two streams and a partition":  {Streams: []string{name, "other"}, Partitions: []string{"shardId-000000000000"}},
			"a partition twice":            {Streams: []string{name}, Partitions: []string{"a", "a"}},
			"after without a partition":    {Streams: []string{name}, Start: after},
			"up to a position without one": {Streams: []string{name}, End: after},
			"partitions of a group":        {Streams: []string{name}, Group: "g", Partitions: []string{"shardId-000000000000"}},
		} {
			d := w.config("")
			c.Member, c.Observe = d.Member, d.Observe
			_, err := consumer.New(w.ctx, w.deps, w.set, c)
			require.ErrorIs(w, err, stream.ErrInvalid, what)
		}
		c := w.config("")
		c.Partitions = []string{"shardId-000000000009"}
		_, err := consumer.New(w.ctx, w.deps, w.set, c)
		require.ErrorIs(w, err, stream.ErrNotFound)
	})
}

func TestReadingUpToTheEndGetsWhatAReshardLeft(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("0")
		lower, upper, err := w.server.Split(name, w.onlyShard())
		require.NoError(w, err)
		w.putAll("1")
		merged, err := w.server.Merge(name, lower, upper)
		require.NoError(w, err)
		w.putAll("2")
		for _, group := range []string{"", "g"} {
			c := w.config(group)
			c.End = stream.Latest()
			read := w.read(c)
			require.Len(w, all(read), 3*len(keys), group)
			require.Len(w, read[merged], len(keys))
		}
	})
}

func TestReadingUpToTheEndDoesNotWaitForALaterReshard(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putAll("0")
		for _, group := range []string{"", "g"} {
			c := w.config(group)
			c.End = stream.Latest()
			s := w.open(c)
			claim := w.next(s)
			w.drain(claim)
			open, err := w.server.OpenShards(name)
			require.NoError(w, err)
			for _, id := range open {
				_, _, err := w.server.Split(name, id)
				require.NoError(w, err)
			}
			w.putAll("1")
			time.Sleep(5 * time.Minute)
			w.release(claim, true)
			for {
				claim, err := s.Next(w.ctx)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(w, err)
				w.drain(claim)
				w.release(claim, true)
			}
			w.close(s)
		}
	})
}
