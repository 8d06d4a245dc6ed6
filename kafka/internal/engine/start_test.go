package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func beginning(start stream.Start) func(*engine.Settings, *stream.SourceConfig) {
	return func(_ *engine.Settings, c *stream.SourceConfig) { c.Start = start }
}

func TestHolderOfTheFirstPartitionSavesTheStartOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5, 6)
		var all engine.Sources
		first := openIn(t, w, &all, beginning(stream.Latest()))
		second := openIn(t, w, &all, beginning(stream.Latest()),
			func(_ *engine.Settings, c *stream.SourceConfig) { c.Member = "n" })
		second.m.give(1)
		second.nothing()
		require.Zero(t, w.calls(), "it is another member's turn")
		first.m.give(0)
		c := first.grant()
		require.Equal(t, 1, w.calls(), "one write for all partitions, before anything is fetched")
		require.EqualValues(t, 5, w.committed(0))
		require.EqualValues(t, 6, w.committed(1))
		require.Equal(t, engine.Position(4, -1), c.Hold().Saved.Position)
		second.grant()
		require.Equal(t, 1, w.calls())
	})
}

func TestStartIsNotAppliedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5)
		r := open(t, w, beginning(stream.Latest()))
		r.m.give(0)
		require.NoError(t, r.grant().Release(t.Context(), false))
		w.change(0, func(l *partitionLog) { l.end = 8 })
		values, _ := r.read(r.grant())
		require.Equal(t, []string{"5", "6", "7"}, values)
	})
}

func TestStarts(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		start stream.Start
		want  int64
	}{
		"oldest":       {stream.Start{}, 2},
		"latest":       {stream.Latest(), 9},
		"since":        {stream.Since(now), 6},
		"since future": {stream.Since(now.Add(time.Hour)), 9},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(9)
				w.logs[at("t", 0)].start = 2
				for o := range int64(9) {
					w.logs[at("t", 0)].times[o] = now.Add(time.Duration(o-6) * time.Second)
				}
				r := open(t, w, beginning(test.start))
				r.m.give(0)
				r.grant()
				require.Equal(t, test.want, w.committed(0))
			})
		})
	}
}

func TestReadsAfterAPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(5, 5), func(_ *engine.Settings, c *stream.SourceConfig) {
			c.Group, c.Partitions, c.Start = "", []string{"1"}, stream.After(engine.Position(2, 7))
		})
		values, _ := r.read(r.grant())
		require.Equal(t, []string{"3", "4"}, values)
	})
}

func TestPartitionThatAppearsLaterIsReadFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5, 5)
		w.commit(0, 3)
		r := open(t, w, beginning(stream.Latest()))
		r.m.give(1)
		values, _ := r.read(r.grant())
		require.Len(t, values, 5)
	})
}

func TestStartIsSavedByAnotherIfItsHolderDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5, 6)
		r := open(t, w, beginning(stream.Latest()))
		r.m.give(1)
		begun := time.Now()
		r.grant()
		require.GreaterOrEqual(t, time.Since(begun), 10*time.Second, "the rebalance timeout")
		require.EqualValues(t, 5, w.committed(0))
	})
}

func TestStartIsNotSavedByAMemberThatLostTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5)
		r := open(t, w, beginning(stream.Latest()))
		w.onCommit = func(ctx context.Context, _ commitCall) error { <-ctx.Done(); return ctx.Err() }
		r.m.give(0)
		synctest.Wait()
		begun := time.Now()
		<-r.m.take(0)
		require.LessOrEqual(t, time.Since(begun), 2*time.Second)
		require.EqualValues(t, -1, w.committed(0))
		r.nothing()
	})
}

func TestExternalCheckpointerSaysWhereToBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9)
		r := open(t, w, beginning(stream.Latest()), func(_ *engine.Settings, c *stream.SourceConfig) { c.External = true })
		r.m.give(0)
		c := r.grant()
		require.Equal(t, engine.Position(8, -1), c.Hold().Saved.Position, "the Start, as it was resolved")
		require.NoError(t, c.Seek(t.Context(), engine.Position(5, 7)))
		values, _ := r.read(c)
		require.Equal(t, []string{"6", "7", "8"}, values)
		require.ErrorIs(t, r.save(c, 7), stream.ErrUnsupported)
	})
}

func TestSeekRefusesAPositionOfElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(9))
		r.m.give(0)
		c := r.grant()
		for _, p := range []stream.Position{
			stream.MakePosition([3]uint64{1, 0, 1}, 0, 0), stream.MakePosition([3]uint64{0, 0, 1}, 3, 0),
			stream.MakePosition([3]uint64{2: 1 << 63}, 0, 0),
		} {
			require.ErrorIs(t, c.Seek(t.Context(), p), stream.ErrInvalid)
			require.ErrorIs(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: p}), stream.ErrInvalid)
		}
	})
}
