package consumer_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

func TestGroupReadsFromTheOldestRecordAndGoesOnAfterTheCheckpoint(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c")
		s := w.open(w.config("g"))
		claim := w.next(s)
		recs := w.take(claim, 3)
		require.Equal(w, []string{"a", "b", "c"}, values(recs))
		require.NoError(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[1].Position, State: []byte("s")}))
		w.release(claim, false)
		w.close(s)

		next := w.next(w.open(w.config("g")))
		require.Equal(w, recs[1].Position, next.Hold().Saved.Position)
		require.Equal(w, []byte("s"), next.Hold().Saved.State)
		require.Equal(w, []string{"c"}, values(w.take(next, 1)))
		w.nothing(next, 10*time.Second)
	})
}

func TestNextGrantsNothingToAnEndedContextNorWhatIsNotReleased(t *testing.T) {
	run(t, 1, func(w *world) {
		s := w.open(w.config("g"))
		over, end := context.WithCancel(w.ctx)
		end()
		_, err := s.Next(over)
		require.ErrorIs(w, err, context.Canceled)
		claim := w.next(s)
		w.noNext(s, time.Minute)
		w.release(claim, false)
		w.next(s)
	})
}

func TestSharesAreBalancedByAskingBack(t *testing.T) {
	run(t, 2, func(w *world) {
		first := w.open(w.config("g"))
		one, two := w.next(first), w.next(first)
		second := w.open(w.config("g"))
		asked := one
		select {
		case <-one.Hold().Asked:
		case <-two.Hold().Asked:
			asked = two
		case <-time.After(time.Minute):
			require.Fail(w, "no shard is asked back")
		}
		_, err := asked.Fetch(w.ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, io.EOF)
		w.noNext(second, time.Second)
		w.release(asked, false)
		require.Equal(w, asked.Hold().Partition, w.next(second).Hold().Partition)
		w.noNext(first, time.Minute)
	})
}

func TestWhatIsSentAfterTheOpeningIsWanted(t *testing.T) {
	const seeds = 20
	for seed := range uint64(seeds) {
		runOn(t, fakekinesis.Config{Seed: seed, Jitter: 100 * time.Millisecond}, 1, func(w *world) {
			for _, group := range []string{"g", ""} {
				c := w.config(group)
				c.Start = stream.Latest()
				s := w.open(c) // at a whole second: the record's arrival is told as one before it
				w.put("k", "new")
				require.Equal(w, []string{"new"}, values(w.take(w.next(s), 1)))
				w.close(s)
				time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(2 * time.Second)))
			}
		})
	}
}

func TestOpeningOutlivesPassingFailures(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		w.server.Script().Add(fakekinesis.Fault{Op: "ListShards", Times: 2, Kind: fakekinesis.Reset})
		cut := 1
		w.faults = func(c lease.Call) lease.Fault {
			if c.Op != "scan" || cut == 0 {
				return lease.Fault{}
			}
			cut--
			return lease.Fault{Err: stream.ErrThrottled}
		}
		require.Equal(w, []string{"a"}, values(w.take(w.next(w.open(w.config("g"))), 1)))
		require.Zero(w, cut)
		require.Empty(w, w.server.Script().Unfired())
	})
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	run(t, 1, func(w *world) {
		w.server.Script().Add(fakekinesis.Fault{Op: "ListShards", Times: 100, Kind: fakekinesis.Refuse, Code: "LimitExceededException"})
		began := time.Now()
		_, err := consumer.New(w.ctx, w.deps, w.set, w.config("g"))
		require.ErrorIs(w, err, stream.ErrThrottled)
		require.Less(w, time.Since(began), 5*time.Second)
		ctx, cancel := context.WithTimeout(w.ctx, 150*time.Millisecond)
		defer cancel()
		began = time.Now()
		_, err = consumer.New(ctx, w.deps, w.set, w.config("g"))
		require.Error(w, err)
		require.Equal(w, 150*time.Millisecond, time.Since(began))
	})
}

func TestLiveNameIsRefused(t *testing.T) {
	run(t, 1, func(w *world) {
		c := w.config("g")
		s := w.open(c)
		_, err := consumer.New(w.ctx, w.deps, w.set, c)
		require.ErrorIs(w, err, stream.ErrInvalid)
		w.close(s)
		w.next(w.open(c))
	})
}

func TestCloseLetsOthersTakeAtOnce(t *testing.T) {
	run(t, 2, func(w *world) {
		s := w.open(w.config("g"))
		w.next(s)
		w.next(s)
		waiting := make(chan error)
		go func() {
			_, err := s.Next(w.ctx)
			waiting <- err
		}()
		w.close(s)
		require.ErrorIs(w, <-waiting, stream.ErrClosed)
		w.close(s)
		began := time.Now()
		next := w.open(w.config("g"))
		w.next(next)
		w.next(next)
		require.Less(w, time.Since(began), w.set.Failover/2)
	})
}

func TestAbandonedMemberIsSucceededAfterTheFailover(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		c := w.config("g")
		s := w.open(c)
		claim := w.next(s)
		rec := w.take(claim, 1)[0]
		fetching := make(chan error)
		go func() {
			_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
			fetching <- err
		}()
		time.Sleep(time.Second)
		require.NoError(w, w.sources.Abandon("g", c.Member))
		require.ErrorIs(w, <-fetching, stream.ErrLost)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: rec.Position}), stream.ErrLost)
		_, err := s.Next(w.ctx)
		require.ErrorIs(w, err, stream.ErrClosed)
		require.ErrorIs(w, w.sources.Abandon("g", c.Member), stream.ErrNotFound)
		w.release(claim, false)
		next := w.next(w.open(w.config("g")))
		require.Equal(w, []string{"a"}, values(w.take(next, 1)))
	})
}

// Whoever hears that the member is no more must not think that its claims were given back.
func TestAbandonedMemberHasLostAllBeforeNextSaysSo(t *testing.T) {
	run(t, 1, func(w *world) {
		c := w.config("g")
		s := w.open(c)
		claim := w.next(s)
		lost := make(chan bool)
		go func() {
			_, err := s.Next(w.ctx)
			lost <- errors.Is(err, stream.ErrClosed) && isClosed(claim.Hold().Lost)
		}()
		synctest.Wait()
		require.NoError(w, w.sources.Abandon("g", c.Member))
		require.True(w, <-lost)
		w.release(claim, false)
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestBackendCloseEndsEverything(t *testing.T) {
	run(t, 1, func(w *world) {
		s := w.open(w.config("g"))
		claim := w.next(s)
		require.NoError(w, w.sources.Close(w.ctx))
		<-claim.Hold().Lost
		_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, stream.ErrClosed)
		_, err = s.Next(w.ctx)
		require.ErrorIs(w, err, stream.ErrClosed)
		_, err = consumer.New(w.ctx, w.deps, w.set, w.config("g"))
		require.ErrorIs(w, err, stream.ErrClosed)
	})
}

func TestOneSourceReadsSeveralStreams(t *testing.T) {
	run(t, 1, func(w *world) {
		require.NoError(w, w.server.Create("payments", 2))
		c := w.config("g")
		c.Streams = []string{name, "payments"}
		s := w.open(c)
		streams := map[string]int{}
		for range 3 {
			streams[w.next(s).Hold().Stream]++
		}
		require.Equal(w, map[string]int{name: 1, "payments": 2}, streams)
	})
}

func TestUnknownStreamIsNotFound(t *testing.T) {
	run(t, 1, func(w *world) {
		c := w.config("g")
		c.Streams = []string{"nothing"}
		_, err := consumer.New(w.ctx, w.deps, w.set, c)
		require.ErrorIs(w, err, stream.ErrNotFound)
	})
}

func TestGroupReadsUpToTheEnd(t *testing.T) {
	run(t, 2, func(w *world) {
		w.put("a", "1", "2", "3")
		w.put("b", "4", "5")
		w.put("c", "6")
		time.Sleep(2 * time.Second)
		for range 2 { // the second reading finds everything settled
			c := w.config("g")
			c.End = stream.Latest()
			s := w.open(c)
			var all []string
			for {
				ctx, cancel := context.WithTimeout(w.ctx, 10*time.Minute)
				claim, err := s.Next(ctx)
				cancel()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(w, err)
				recs := w.drain(claim)
				if len(recs) > 0 {
					w.save(claim, recs[len(recs)-1])
				}
				w.release(claim, true)
				all = append(all, values(recs)...)
			}
			w.close(s)
			slices.Sort(all)
			w.Log(all)
		}
		next := w.open(w.config("g"))
		w.nothing(w.next(next), 10*time.Second)
		w.nothing(w.next(next), 10*time.Second)
	})
}
