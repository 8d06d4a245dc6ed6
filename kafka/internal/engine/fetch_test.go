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

func TestEndedContextConsumesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(5))
		r.m.give(0)
		c := r.grant()
		values, _ := r.read(c) // ends by its context
		require.Len(t, values, 5)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.w.change(0, func(l *partitionLog) { l.end = 7 })
		_, err := c.Fetch(ctx, make([]stream.Record, 3))
		require.ErrorIs(t, err, context.Canceled)
		values, _ = r.read(c)
		require.Equal(t, []string{"5", "6"}, values)
	})
}

func TestSlowHandlerIsPausedAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(1000, 1000)) // 10 bytes a record, a budget of 100
		r.m.give(0, 1)
		slow, fast := r.grant(), r.grant()
		_, err := slow.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		values, _ := r.read(fast)
		require.Len(t, values, 1000)
		at, _ := r.f.reading(slow.Partition())
		require.True(t, at.paused)
		require.LessOrEqual(t, at.at, int64(30))
		_, err = slow.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		synctest.Wait()
		at, _ = r.f.reading(slow.Partition())
		require.True(t, at.paused, "it goes on only under half the budget")
		values, _ = r.read(slow)
		require.Len(t, values, 998)
	})
}

func TestPausedPartitionIsReadAgainByTheNextClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(1000))
		r.m.give(0)
		c := r.grant()
		_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, c.Release(t.Context(), false))
		synctest.Wait()
		_, reading := r.f.reading(at("t", 0))
		require.False(t, reading)
		values, _ := r.read(r.grant())
		require.Len(t, values, 1000)
	})
}

func TestBlocksOfAnEarlierAddAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(9))
		r.m.give(0)
		c := r.grant()
		_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		require.NoError(t, c.Release(t.Context(), false))
		again := r.grant()
		stale := (&partitionLog{end: 9}).block(at("t", 0), &place{at: 6, number: 1})
		r.f.r.Fetched(at("t", 0), stale)
		values, _ := r.read(again)
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}, values)
		r.f.r.Fetched(at("t", 0), stale)
		values, _ = r.read(again)
		require.Empty(t, values)
	})
}

func TestExpiredPosition(t *testing.T) {
	for policy, want := range map[string][]string{
		stream.ExpiredFail: nil, stream.ExpiredOldest: {"6", "7", "8", "9"}, stream.ExpiredLatest: {"9"},
	} {
		t.Run(policy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var gaps []stream.Event
				w := newWorld(9)
				w.commit(0, 3)
				w.change(0, func(l *partitionLog) { l.start = 6 })
				r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) {
					c.Expired = policy
					c.Observe = func(e stream.Event) { gaps = append(gaps, e) }
				})
				r.m.give(0)
				c := r.grant()
				time.AfterFunc(500*time.Millisecond, func() { w.change(0, func(l *partitionLog) { l.end = 10 }) })
				values, err := r.read(c)
				if policy != stream.ExpiredFail {
					require.NoError(t, err)
					require.Equal(t, want, values)
					require.Len(t, gaps, 1)
					require.Equal(t, stream.EventGap, gaps[0].Kind)
					err = gaps[0].Err
				}
				require.ErrorIs(t, err, stream.ErrExpired)
				var placed *stream.Error
				require.ErrorAs(t, err, &placed)
				require.Zero(t, placed.Asked.Compare(engine.Position(2, 0)))
				require.Zero(t, placed.Oldest.Compare(engine.Position(6, 0)))
				require.EqualValues(t, 3, w.committed(0), "the checkpoint does not move by itself")
			})
		})
	}
}

func TestExpiredPositionWaitsForALeaderThatKnowsTheEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9)
		w.commit(0, 3)
		w.change(0, func(l *partitionLog) { l.start = 6 })
		r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) { c.Expired = stream.ExpiredOldest })
		r.m.give(0)
		c := r.grant()
		w.mu.Lock()
		w.leaderless = 3
		w.mu.Unlock()
		values, err := r.read(c)
		require.NoError(t, err)
		require.Equal(t, []string{"6", "7", "8"}, values)
	})
}

func TestNothingIsLostSilentlyBelowTheLogStartOfANewPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9, 9)
		w.commit(0, 3)
		w.change(1, func(l *partitionLog) { l.start = 4 })
		r := open(t, w)
		r.m.give(1)
		_, err := r.read(r.grant())
		require.ErrorIs(t, err, stream.ErrExpired)
	})
}

func TestTruncatedLog(t *testing.T) {
	for policy, want := range map[string][]string{
		stream.ExpiredFail: nil, stream.ExpiredOldest: {"5", "6", "7"}, stream.ExpiredLatest: {},
	} {
		for name, cut := range map[string]*engine.Truncated{"told": {End: engine.Offset{At: 5, Epoch: -1}}, "seen": nil} {
			t.Run(policy+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(5)
					w.commit(0, 8)
					r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) { c.Expired = policy })
					r.m.give(0)
					c := r.grant()
					if cut != nil {
						w.change(0, func(l *partitionLog) { l.end = 8 }) // it grew before that was seen
						time.AfterFunc(10*time.Millisecond, func() { r.f.r.Broken(at("t", 0), cut) })
					}
					into := make([]stream.Record, 10)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					if cut == nil && policy == stream.ExpiredOldest { // the log grows after the cut was seen
						time.AfterFunc(9*time.Second, func() { w.change(0, func(l *partitionLog) { l.end = 8 }) })
					}
					n, err := c.Fetch(ctx, into)
					var values []string
					for _, rec := range into[:n] {
						values = append(values, string(rec.Value))
					}
					switch policy {
					case stream.ExpiredFail:
						require.ErrorIs(t, err, stream.ErrExpired)
						var told *engine.Truncated
						require.ErrorAs(t, err, &told)
						require.EqualValues(t, 5, told.End.At)
					case stream.ExpiredLatest:
						require.ErrorIs(t, err, context.DeadlineExceeded)
					default:
						require.NoError(t, err)
						require.Equal(t, want, values)
					}
				})
			})
		}
	}
}

func TestOffsetThatIsInRangeAfterAllIsReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(5))
		r.m.give(0)
		c := r.grant()
		_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
		require.NoError(t, err)
		r.f.r.Broken(at("t", 0), engine.Map(engine.Failed(1, nil)))
		values, err := r.read(c)
		require.NoError(t, err)
		require.Equal(t, []string{"1", "2", "3", "4"}, values)
	})
}

func TestBrokenPartitionTellsWhyAndIsReadOnByTheNextFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(5))
		r.m.give(0)
		c := r.grant()
		_, _ = r.read(c)
		r.f.r.Broken(at("t", 0), engine.Map(engine.Failed(100, nil)))
		_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrNotFound)
		var placed *stream.Error
		require.ErrorAs(t, err, &placed)
		require.Equal(t, "t", placed.Stream)
		r.w.change(0, func(l *partitionLog) { l.end = 6 })
		values, err := r.read(c)
		require.NoError(t, err)
		require.Equal(t, []string{"5"}, values)
	})
}

func TestTopicMadeAnewIsNotReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(5))
		r.m.give(0)
		c := r.grant()
		_, _ = r.read(c)
		r.w.mu.Lock()
		r.w.id[0] = 1
		r.w.mu.Unlock()
		r.f.r.Broken(at("t", 0), engine.Map(engine.Failed(6, nil))) // nobody leads it, for a moment
		r.w.change(0, func(l *partitionLog) { l.end = 9 })
		for range 3 {
			_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
			require.ErrorIs(t, err, stream.ErrNotFound)
		}
	})
}

func TestCheckpointBelowTheSavedOneWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9)
		w.commit(0, 6)
		r := open(t, w)
		r.m.give(0)
		c := r.grant()
		require.NoError(t, r.save(c, 3))
		require.Zero(t, w.calls())
		require.NoError(t, r.save(c, 5))
		require.NoError(t, r.save(c, 7))
		require.NoError(t, r.save(c, 6))
		require.EqualValues(t, 8, w.committed(0))
	})
}

func TestStateThatIsTooLargeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(9)
		r := openIn(t, w, &engine.Sources{MetadataBytes: func() int64 { return 100 }})
		r.m.give(0)
		c := r.grant()
		most := int(engine.MaxStateBytes(100))
		at := stream.Checkpoint{Position: engine.Position(1, 7), State: make([]byte, most+1)}
		require.ErrorIs(t, c.Checkpoint(t.Context(), at), stream.ErrTooLarge)
		at.State = at.State[:most]
		require.NoError(t, c.Checkpoint(t.Context(), at))
		require.LessOrEqual(t, len(w.commits[len(w.commits)-1].offsets[0].Metadata), 100)
	})
}

func TestForeignMetadataIsNoStateAndABrokenStateIsCorrupt(t *testing.T) {
	for metadata, want := range map[string]error{"consumer-1": nil, "sp1:!": stream.ErrCorrupt} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(9)
			w.offsets[at("t", 0)] = engine.Committed{Offset: engine.Offset{At: 3, Epoch: -1}, Metadata: metadata}
			r := open(t, w)
			r.m.give(0)
			c, err := r.Next(t.Context())
			require.ErrorIs(t, err, want)
			if err == nil {
				require.Nil(t, c.Hold().Saved.State)
			}
		})
	}
}

func TestReadingToTheEnd(t *testing.T) {
	for _, grows := range []bool{true, false} {
		readsToTheEnd(t, grows)
	}
}

func readsToTheEnd(t *testing.T, grows bool) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(6, 0)
		w.logs[at("t", 0)].markers = map[int64]bool{4: true, 5: true}
		r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) { c.Group, c.End = "", stream.Latest() })
		if grows {
			w.change(0, func(l *partitionLog) { l.end = 9 })
		}
		c := r.grant()
		values, err := r.read(c)
		require.ErrorIs(t, err, errEnd)
		require.Equal(t, []string{"0", "1", "2", "3"}, values, "the end is passed over markers")
		require.False(t, closed(c.Hold().Asked))
		r.nothing()
		require.NoError(t, c.Release(t.Context(), true))
		for range 2 {
			_, err = r.Next(t.Context())
			require.ErrorIs(t, err, errEnd)
		}
	})
}

func TestReadingToATime(t *testing.T) {
	for name, until := range map[string]time.Duration{"past": -time.Second, "to come": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := time.Now().Add(until)
				w := newWorld(3)
				for o := range int64(9) {
					w.logs[at("t", 0)].times[o] = end.Add(time.Duration(o-2)*time.Second - time.Nanosecond)
				}
				r := open(t, w, func(_ *engine.Settings, c *stream.SourceConfig) { c.Group, c.End = "", stream.Since(end) })
				c := r.grant()
				var values []string
				var err error
				for err == nil {
					into := make([]stream.Record, 2)
					var n int
					n, err = c.Fetch(t.Context(), into)
					for _, rec := range into[:n] {
						values = append(values, string(rec.Value))
					}
				}
				require.ErrorIs(t, err, errEnd)
				require.Equal(t, []string{"0", "1", "2"}, values)
				require.NoError(t, c.Release(t.Context(), true))
				_, err = r.Next(t.Context())
				require.ErrorIs(t, err, errEnd)
			})
		})
	}
}

func TestGroupReadsToTheEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3, 3)
		end := func(_ *engine.Settings, c *stream.SourceConfig) { c.End = stream.Latest() }
		r := open(t, w, end)
		r.m.give(0)
		c := r.grant()
		_, err := r.read(c)
		require.ErrorIs(t, err, errEnd)
		require.NoError(t, r.save(c, 2))
		require.NoError(t, c.Release(t.Context(), true))
		r.nothing() // another member is not through
		w.commit(1, 3)
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, errEnd)
	})
}

func TestUnfinishedEndIsGrantedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newWorld(3), func(_ *engine.Settings, c *stream.SourceConfig) { c.End = stream.Latest() })
		r.m.give(0)
		c := r.grant()
		_, err := r.read(c)
		require.ErrorIs(t, err, errEnd)
		require.NoError(t, c.Release(t.Context(), false))
		values, _ := r.read(r.grant())
		require.Len(t, values, 3)
	})
}
