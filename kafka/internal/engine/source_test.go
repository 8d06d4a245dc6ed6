package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestReadsOnAfterWhatTheGroupSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(10)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		require.NoError(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: engine.Position(3, 7), State: []byte{0, 255}}))
		require.NoError(t, c.Release(t.Context(), false))
		again := r.grant()
		require.Equal(t, stream.Checkpoint{Position: engine.Position(3, 7), State: []byte{0, 255}}, again.Hold().Saved)
		values, err := r.read(again)
		require.NoError(t, err)
		require.Equal(t, []string{"4", "5", "6", "7", "8", "9"}, values)
		require.Equal(t, engine.Offset{At: 4, Epoch: 7}, w.offsets[at("t", 0)].Offset)
	})
}

func TestRevokeWaitsForEveryRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10, 10))
		r.m.give(0, 1)
		one, two := r.grant(), r.grant()
		given := r.m.take(0, 1)
		synctest.Wait()
		for _, c := range []*engine.Claim{one, two} {
			require.True(t, closed(c.Hold().Asked))
			_, err := r.read(c)
			require.ErrorIs(t, err, errEnd)
			require.False(t, closed(given))
			require.NoError(t, r.save(c, 1), "a partition that is asked back is still held")
			require.NoError(t, c.Release(t.Context(), false))
			synctest.Wait()
		}
		<-given
		r.nothing()
	})
}

func TestRevokeTakesOnlyWhatIsNotReleasedInTime(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{20 * time.Second: 8 * time.Second, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := open(t, newWorld(10, 10, 10), func(_ *engine.Settings, c *stream.SourceConfig) { c.Grace = grace })
			r.m.give(0, 1, 2)
			claims := map[string]*engine.Claim{}
			for range 3 {
				c := r.grant()
				claims[c.Hold().Partition] = c
			}
			begun := time.Now()
			given := r.m.take(0, 1)
			synctest.Wait()
			require.NoError(t, claims["0"].Release(t.Context(), false))
			<-given
			require.Equal(t, want, time.Since(begun))
			require.False(t, closed(claims["0"].Hold().Lost))
			require.True(t, closed(claims["1"].Hold().Lost))
			require.False(t, closed(claims["2"].Hold().Lost))
			require.False(t, closed(claims["2"].Hold().Asked))
			require.NoError(t, r.save(claims["2"], 3))
			_, err := r.read(claims["1"])
			require.ErrorIs(t, err, stream.ErrLost)
		})
	}
}

func TestGrantedAgainOnlyAfterTheFormerClaimIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		r.m.Lost([]engine.Partition{at("t", 0)})
		require.True(t, closed(c.Hold().Lost))
		r.m.give(0)
		r.nothing()
		require.NoError(t, c.Release(t.Context(), true))
		again := r.grant()
		require.NotSame(t, c, again)
		values, _ := r.read(again)
		require.Len(t, values, 10)
		require.ErrorIs(t, r.save(c, 3), stream.ErrLost)
	})
}

func TestWhatIsTakenBeforeItIsGrantedIsNeverGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		synctest.Wait() // it is queued for Next
		<-r.m.take(0)
		r.nothing()
		r.m.give(0)
		r.grant()
	})
}

func TestFetchOfAReleasedClaimEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(0))
		r.m.give(0)
		c := r.grant()
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
			waiting <- err
		}()
		synctest.Wait()
		require.NoError(t, c.Release(t.Context(), false))
		require.ErrorIs(t, <-waiting, stream.ErrLost)
	})
}

func TestFailureOfTheMemberIsToldByNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		fenced := errors.New("fenced")
		r.m.Failed(fenced)
		require.True(t, closed(c.Hold().Lost))
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, fenced)
	})
}

func TestCloseLeavesAtOnceAndEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.give(0)
		c := r.grant()
		waiting := make(chan error, 1)
		go func() {
			_, err := r.Next(t.Context())
			waiting <- err
		}()
		given := r.m.take(0) // a revocation is under way
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, r.Close(t.Context()))
		require.Zero(t, time.Since(begun))
		<-given
		require.ErrorIs(t, <-waiting, stream.ErrClosed)
		require.True(t, r.m.left)
		_, err := r.read(c)
		require.ErrorIs(t, err, stream.ErrLost)
		require.NoError(t, r.Close(t.Context()))
		require.NoError(t, c.Release(t.Context(), false))
	})
}

func TestReadingEndsWhileTheMemberLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(10))
		r.m.closing, r.f.closing = time.Second, time.Second
		begun := time.Now()
		require.NoError(t, r.Close(t.Context()))
		require.Equal(t, time.Second, time.Since(begun))
	})
}

func TestClosedBackendAnswersClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all engine.Sources
		r := openIn(t, newWorld(10), &all)
		r.m.give(0)
		c := r.grant()
		require.NoError(t, all.Close(t.Context()))
		_, err := r.read(c)
		require.ErrorIs(t, err, stream.ErrClosed)
		require.ErrorIs(t, r.save(c, 3), stream.ErrClosed)
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = engine.NewSource(t.Context(), r.w, worldSettings(), sourceConfig(), &all)
		require.ErrorIs(t, err, stream.ErrClosed)
	})
}

func TestLiveNameIsRefusedUntilItsMemberIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all engine.Sources
		w := newWorld(10)
		first := openIn(t, w, &all)
		_, err := engine.NewSource(t.Context(), w, worldSettings(), sourceConfig(), &all)
		require.ErrorIs(t, err, stream.ErrInvalid)
		openIn(t, w, &all, func(_ *engine.Settings, c *stream.SourceConfig) { c.Group = "other" })
		require.NoError(t, first.Close(t.Context()))
		openIn(t, w, &all)
	})
}

func TestSourceThatOpensIsEndedWithItsBackend(t *testing.T) {
	for name, end := range map[string]func(*engine.Sources) error{
		"abandon": func(all *engine.Sources) error { return all.Abandon("g", "m") },
		"close":   func(all *engine.Sources) error { return all.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all engine.Sources
				w := newWorld(10)
				w.silent = true
				opened := make(chan error, 1)
				go func() {
					_, err := engine.NewSource(t.Context(), w, worldSettings(), sourceConfig(), &all)
					opened <- err
				}()
				synctest.Wait()
				require.NoError(t, end(&all))
				require.ErrorIs(t, <-opened, stream.ErrClosed)
				require.ErrorIs(t, all.Abandon("g", "m"), stream.ErrNotFound)
			})
		})
	}
}

func TestAbandonSaysNothingToTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all engine.Sources
		r := openIn(t, newWorld(10), &all)
		r.m.give(0)
		c := r.grant()
		require.NoError(t, all.Abandon("g", "m"))
		require.True(t, r.m.killed)
		require.True(t, closed(c.Hold().Lost))
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
		require.ErrorIs(t, all.Abandon("g", "m"), stream.ErrNotFound)
		require.NoError(t, c.Release(t.Context(), false))
		require.NoError(t, r.Close(t.Context()))
		require.False(t, r.m.left)
	})
}

func TestWhatCanNeverWorkIsRefused(t *testing.T) {
	w := newWorld(10)
	for name, test := range map[string]struct {
		change func(*stream.SourceConfig)
		want   error
	}{
		"no such topic":      {func(c *stream.SourceConfig) { c.Streams = []string{"u"} }, stream.ErrNotFound},
		"no such partition":  {func(c *stream.SourceConfig) { c.Partitions = []string{"1"} }, stream.ErrNotFound},
		"no number":          {func(c *stream.SourceConfig) { c.Partitions = []string{"x"} }, stream.ErrInvalid},
		"no decimal number":  {func(c *stream.SourceConfig) { c.Partitions = []string{"00"} }, stream.ErrInvalid},
		"twice":              {func(c *stream.SourceConfig) { c.Partitions = []string{"0", "0"} }, stream.ErrInvalid},
		"of two topics":      {func(c *stream.SourceConfig) { c.Streams, c.Partitions = []string{"t", "t"}, []string{"0"} }, stream.ErrInvalid},
		"after what":         {func(c *stream.SourceConfig) { c.Start = stream.After(engine.Position(1, 1)) }, stream.ErrInvalid},
		"no such expression": {func(c *stream.SourceConfig) { c.Streams = []string{"^("} }, stream.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			c := sourceConfig()
			c.Group = ""
			test.change(&c)
			_, err := engine.NewSource(t.Context(), w, worldSettings(), c, &engine.Sources{})
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestReadingWithoutAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3, 3)
		r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) { c.Group = "" })
		one, two := r.grant(), r.grant()
		r.nothing()
		require.ErrorIs(t, r.save(one, 1), stream.ErrUnsupported)
		require.ErrorIs(t, one.Guarded(t.Context(), nil), stream.ErrUnsupported)
		require.NoError(t, two.Release(t.Context(), false))
		values, _ := r.read(r.grant())
		require.Len(t, values, 3)
		w.mu.Lock()
		w.logs[at("t", 2)] = &partitionLog{end: 4}
		w.mu.Unlock()
		time.Sleep(time.Minute)
		values, _ = r.read(r.grant())
		require.Equal(t, []string{"0", "1", "2", "3"}, values, "a partition that appeared later is read from its beginning")
	})
}

func TestSelectedPartitionsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(1, 1, 1), func(_ *engine.Settings, c *stream.SourceConfig) { c.Partitions = []string{"1"} })
		r.m.give(0, 1)
		require.Equal(t, "1", r.grant().Hold().Partition)
		r.nothing()
	})
}

func TestEndedContextIsGrantedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(1))
		r.m.give(0)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.Next(ctx)
		require.ErrorIs(t, err, context.Canceled)
		r.grant()
	})
}

func TestStuckHandlerLosesItsPartitionAndOnlyThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stalled []stream.Event
		r := open(t, newWorld(10, 10), func(s *engine.Settings, c *stream.SourceConfig) {
			s.Stuck = 10 * time.Second
			c.Observe = func(e stream.Event) { stalled = append(stalled, e) }
		})
		r.m.give(0, 1)
		stuck, busy := r.grant(), r.grant()
		for _, c := range []*engine.Claim{stuck, busy} {
			_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
			require.NoError(t, err)
		}
		for i := range 3 {
			time.Sleep(5 * time.Second)
			require.NoError(t, r.save(busy, int64(i)))
		}
		require.True(t, closed(stuck.Hold().Lost))
		require.False(t, closed(busy.Hold().Lost))
		require.Len(t, stalled, 1)
		require.Equal(t, stream.EventStalled, stalled[0].Kind)
		require.Equal(t, stuck.Hold().Partition, stalled[0].Partition)
		require.ErrorIs(t, r.save(stuck, 1), stream.ErrLost)
		r.nothing()
		require.NoError(t, stuck.Release(t.Context(), false))
		require.Equal(t, stuck.Hold().Partition, r.grant().Hold().Partition)
	})
}

func TestHandlerThatWaitsForRecordsIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(3), func(s *engine.Settings, _ *stream.SourceConfig) { s.Stuck = 10 * time.Second })
		r.m.give(0)
		c := r.grant()
		_, err := r.read(c)
		require.NoError(t, err)
		time.Sleep(time.Minute) // its handler works on the last records
		go func() { _, _ = c.Fetch(t.Context(), make([]stream.Record, 1)) }()
		time.Sleep(time.Minute)
		require.False(t, closed(c.Hold().Lost))
	})
}
