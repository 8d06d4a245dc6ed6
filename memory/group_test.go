package memory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func TestANewHoldBeginsAfterTheCheckpoint(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				sendAll(t, b, rec("a", "1"), rec("b", "2"), rec("c", "3"))
				s := openSource(t, b, sourceConfig("g", "m"))
				c := next(t, s)
				recs := read(t, c, 3)
				state := []byte("state")
				require.NoError(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: recs[0].Position, State: state}))
				state[0] = 'X'
				require.NoError(t, c.Release(t.Context(), false))
				c = next(t, s)
				require.Equal(t, stream.Checkpoint{Position: recs[0].Position, State: []byte("state")}, c.Hold().Saved)
				require.Equal(t, []string{"2", "3"}, values(read(t, c, 2)))
				require.Equal(t, recs[0].Position, b.Checkpoint("g", "s", c.Hold().Partition).Position)
			})
		})
	}
}

func TestCooperativeMovesOnlyWhatItMust(t *testing.T) {
	c := kafka()
	c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 4}}
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		first := openSource(t, b, sourceConfig("g", "m1"))
		var claims []stream.Claim
		for range 4 {
			claims = append(claims, next(t, first))
		}
		second := openSource(t, b, sourceConfig("g", "m2"))
		var asked []stream.Claim
		for _, c := range claims {
			if closed(c.Hold().Asked) {
				asked = append(asked, c)
			}
		}
		require.Len(t, asked, 2)
		_, err := asked[0].Fetch(t.Context(), make([]stream.Record, 1))
		require.Equal(t, io.EOF, err)
		require.NoError(t, asked[0].Release(t.Context(), false))
		require.Equal(t, asked[0].Hold().Partition, next(t, second).Hold().Partition)
		// The other is taken when the grace is over.
		begin := time.Now()
		require.Equal(t, asked[1].Hold().Partition, next(t, second).Hold().Partition)
		require.Equal(t, 5*time.Second, time.Since(begin))
		require.True(t, closed(asked[1].Hold().Lost))
		_, err = asked[1].Fetch(t.Context(), make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrLost)
		require.ErrorIs(t, asked[1].Checkpoint(t.Context(), stream.Checkpoint{}), stream.ErrLost)
		require.NoError(t, asked[1].Release(t.Context(), true))
	})
}

func TestEagerAsksAllBack(t *testing.T) {
	bubble(t, memory.Config{}, func(t *testing.T, b *memory.Backend) {
		first := openSource(t, b, sourceConfig("g", "m1"))
		x, y := next(t, first), next(t, first)
		second := openSource(t, b, sourceConfig("g", "m2"))
		require.True(t, closed(x.Hold().Asked))
		require.True(t, closed(y.Hold().Asked))
		require.NoError(t, x.Release(t.Context(), false))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := second.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "nothing is granted before all is given back")
		require.NoError(t, y.Release(t.Context(), false))
		require.NotEqual(t, next(t, first).Hold().Partition, next(t, second).Hold().Partition)
	})
}

func TestACrashIsLearntAfterTheSession(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p, Session: 7 * time.Second}), func(t *testing.T, b *memory.Backend) {
				first := openSource(t, b, sourceConfig("g", "m1"))
				c := next(t, first)
				second := openSource(t, b, sourceConfig("g", "m2"))
				if closed(c.Hold().Asked) { // eager: it comes back to its holder
					require.NoError(t, c.Release(t.Context(), false))
					c = next(t, first)
				}
				require.NoError(t, b.Abandon("g", "m1"))
				require.ErrorIs(t, b.Abandon("g", "m1"), stream.ErrNotFound)
				begin := time.Now()
				_, err := c.Fetch(t.Context(), make([]stream.Record, 1))
				require.ErrorIs(t, err, stream.ErrLost)
				require.ErrorIs(t, c.Checkpoint(t.Context(), stream.Checkpoint{}), stream.ErrLost)
				require.NoError(t, c.Release(t.Context(), true))
				_, err = first.Next(t.Context())
				require.ErrorIs(t, err, stream.ErrClosed)
				next(t, second)
				require.Equal(t, 7*time.Second, time.Since(begin))
			})
		})
	}
}

func TestAZombieIsFenced(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		sendAll(t, b, rec("a", "1"), rec("a", "2"))
		first := openSource(t, b, sourceConfig("g", "m1"))
		zombie := next(t, first)
		recs := read(t, zombie, 2)
		second := openSource(t, b, sourceConfig("g", "m2"))
		require.NoError(t, b.Pause("g", "m1"))
		c := next(t, second) // after the session
		require.False(t, closed(zombie.Hold().Lost), "a zombie does not know")
		require.NoError(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: recs[0].Position}))
		late := make(chan error, 1)
		go func() { late <- zombie.Checkpoint(context.Background(), stream.Checkpoint{Position: recs[1].Position}) }()
		synctest.Wait()
		require.NoError(t, b.Resume("g", "m1"))
		require.ErrorIs(t, <-late, stream.ErrLost)
		require.True(t, closed(zombie.Hold().Lost))
		require.Equal(t, recs[0].Position, b.Checkpoint("g", "s", "0").Position)
		require.NoError(t, zombie.Release(t.Context(), false))
		require.NoError(t, second.Close(t.Context()))
		require.Equal(t, []string{"2"}, values(read(t, next(t, first), 1)), "it has joined again")
	})
}

func TestExpelledMemberLosesAndComesBack(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		s := openSource(t, b, sourceConfig("g", "m"))
		c := next(t, s)
		require.NoError(t, b.Expel("g", "m"))
		require.True(t, closed(c.Hold().Lost))
		none(t, s) // the former claim is not released
		require.NoError(t, c.Release(t.Context(), false))
		require.Equal(t, "0", next(t, s).Hold().Partition)
	})
}

func TestALiveNameIsRefused(t *testing.T) {
	bubble(t, kafka(), func(t *testing.T, b *memory.Backend) {
		openSource(t, b, sourceConfig("g", "m"))
		_, err := b.OpenSource(t.Context(), sourceConfig("g", "m"))
		require.ErrorIs(t, err, stream.ErrInvalid)
		openSource(t, b, sourceConfig("other", "m"))
		require.NoError(t, b.Abandon("g", "m"))
		openSource(t, b, sourceConfig("g", "m"))
	})
}

func TestTwoGroupsAreIndependent(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		sendAll(t, b, rec("a", "1"))
		for _, g := range []string{"x", "y", ""} {
			require.Equal(t, []string{"1"}, values(read(t, next(t, openSource(t, b, sourceConfig(g, "m"))), 1)))
		}
	})
}

func TestReadingWithoutGroupHasNoCheckpoints(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		acks := sendAll(t, b, rec("a", "1"))
		c := next(t, openSource(t, b, sourceConfig("", "m")))
		require.ErrorIs(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: acks[0].Position}), stream.ErrUnsupported)
	})
}

func TestStartIsAppliedOnce(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				sendAll(t, b, rec("a", "before"))
				latest := sourceConfig("g", "m")
				latest.Start = stream.Latest()
				s := openSource(t, b, latest)
				sendAll(t, b, rec("a", "after"))
				require.NoError(t, s.Close(t.Context())) // before any checkpoint
				sendAll(t, b, rec("a", "later"))
				c := next(t, openSource(t, b, latest))
				require.Equal(t, []string{"after", "later"}, values(read(t, c, 2)))
			})
		})
	}
}

func TestSinceAndAfter(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				first := sendAll(t, b, rec("a", "1"))[0]
				time.Sleep(time.Minute)
				middle := time.Now()
				second := sendAll(t, b, rec("a", "2"))[0]
				time.Sleep(time.Minute)
				sendAll(t, b, rec("a", "3"))
				read := func(start, end stream.Start) []string {
					c := sourceConfig("", "m")
					c.Start, c.End, c.Partitions = start, end, b.Partitions("s")
					s := openSource(t, b, c)
					defer func() { require.NoError(t, s.Close(t.Context())) }()
					claim, err := s.Next(t.Context())
					if errors.Is(err, io.EOF) {
						return nil
					}
					require.NoError(t, err)
					got := values(drain(t, claim))
					require.NoError(t, claim.Release(t.Context(), true))
					_, err = s.Next(t.Context())
					require.Equal(t, io.EOF, err)
					return got
				}
				require.Equal(t, []string{"2", "3"}, read(stream.Since(middle), stream.Latest()))
				require.Equal(t, []string{"1"}, read(stream.Start{}, stream.Since(middle)))
				require.Equal(t, []string{"2"}, read(stream.After(first.Position), stream.After(second.Position)))
				require.Equal(t, []string{"1", "2", "3"}, read(stream.Start{}, stream.Since(time.Now().Add(time.Second))))
				require.Empty(t, read(stream.Latest(), stream.Latest()))
				go func() {
					time.Sleep(time.Second)
					s, _ := b.OpenSink(context.Background(), sinkConfig())
					s.Append(context.Background(), []*stream.Record{rec("a", "4")}, func(stream.Ack, error) {})
				}()
				require.Equal(t, []string{"4"}, read(stream.Latest(), stream.Since(time.Now().Add(time.Hour))), "an end in the future")
			})
		})
	}
}

func TestEndOfAGroupEndsOnlyThisReading(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		for _, want := range []string{"1", "2"} {
			sendAll(t, b, rec("a", want))
			c := sourceConfig("g", "m"+want)
			c.End = stream.Latest()
			s := openSource(t, b, c)
			claim := next(t, s)
			recs := drain(t, claim)
			require.Equal(t, []string{want}, values(recs))
			require.NoError(t, claim.Checkpoint(t.Context(), stream.Checkpoint{Position: recs[0].Position}))
			require.NoError(t, claim.Release(t.Context(), true))
			_, err := s.Next(t.Context())
			require.Equal(t, io.EOF, err)
			require.NoError(t, s.Close(t.Context()))
		}
	})
}

func TestRow29ForeignAndFuturePositions(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				acks := sendAll(t, b, rec("a", "1"))
				major, _, term := acks[0].Position.Parts()
				major[2] += 1000
				c := next(t, openSource(t, b, sourceConfig("g", "m")))
				for _, bad := range []stream.Position{
					stream.MakePosition(major, 0, term), stream.MakePosition([3]uint64{7, 7, 7}, 0, 0),
				} {
					require.ErrorIs(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: bad}), stream.ErrInvalid)
					require.ErrorIs(t, c.Seek(t.Context(), bad), stream.ErrInvalid)
				}
				require.Empty(t, b.Checkpoints("g"))
			})
		})
	}
}

func TestStateOverTheLimit(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		caps, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		acks := sendAll(t, b, rec("a", "1"))
		c := next(t, openSource(t, b, sourceConfig("g", "m")))
		fits := stream.Checkpoint{Position: acks[0].Position, State: make([]byte, caps.MaxStateBytes.Value)}
		require.NoError(t, c.Checkpoint(t.Context(), fits))
		fits.State = append(fits.State, 0)
		require.ErrorIs(t, c.Checkpoint(t.Context(), fits), stream.ErrTooLarge)
	})
}

func TestFetchConsumesNothingWhenItsContextEnds(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		c := next(t, openSource(t, b, sourceConfig("g", "m")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Fetch(ctx, make([]stream.Record, 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		sendAll(t, b, rec("a", "1"))
		_, err = c.Fetch(ctx, make([]stream.Record, 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"1"}, values(read(t, c, 1)))
	})
}

// TestEveryHandleAnswersClosed is the ladder: each handle taken before Close is used after it.
func TestEveryHandleAnswersClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := one(kafka())
		b, err := memory.Open(t.Context(), c)
		require.NoError(t, err)
		sink := openSink(t, b)
		txConfig := sinkConfig()
		txConfig.Transactions, txConfig.Member = true, "tx"
		s, err := b.OpenSink(t.Context(), txConfig)
		require.NoError(t, err)
		tx, err := s.(stream.TxSink).Begin(t.Context())
		require.NoError(t, err)
		source := openSource(t, b, sourceConfig("g", "m"))
		claim := next(t, source)
		waiting := make(chan error, 2)
		go func() { _, err := claim.Fetch(context.Background(), make([]stream.Record, 1)); waiting <- err }()
		go func() { _, err := source.Next(context.Background()); waiting <- err }()
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, b.Close())
		require.NoError(t, b.Close())
		ctx := context.Background()
		require.ErrorIs(t, <-waiting, stream.ErrClosed)
		require.ErrorIs(t, <-waiting, stream.ErrClosed)
		sink.Append(ctx, []*stream.Record{rec("a", "1")}, func(_ stream.Ack, err error) { waiting <- err })
		require.ErrorIs(t, <-waiting, stream.ErrClosed)
		tx.Append(ctx, []*stream.Record{rec("a", "1")}, func(_ stream.Ack, err error) { waiting <- err })
		require.ErrorIs(t, <-waiting, stream.ErrClosed)
		require.ErrorIs(t, tx.Commit(ctx, nil, stream.Checkpoint{}), stream.ErrClosed)
		_, err = s.(stream.TxSink).Begin(ctx)
		require.ErrorIs(t, err, stream.ErrClosed)
		require.ErrorIs(t, sink.Flush(ctx), stream.ErrClosed)
		_, err = source.Next(ctx)
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = claim.Fetch(ctx, make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrClosed)
		require.ErrorIs(t, claim.Checkpoint(ctx, stream.Checkpoint{}), stream.ErrClosed)
		require.ErrorIs(t, claim.Seek(ctx, stream.Position{}), stream.ErrClosed)
		_, err = b.Capabilities(ctx, "s")
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = b.OpenSink(ctx, sinkConfig())
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = b.OpenSource(ctx, sourceConfig("g", "n"))
		require.ErrorIs(t, err, stream.ErrClosed)
		_, err = b.Lag(ctx, sourceConfig("g", ""), nil)
		require.ErrorIs(t, err, stream.ErrClosed)
		require.ErrorIs(t, b.EnsureStream(ctx, stream.StreamConfig{Name: "x"}), stream.ErrClosed)
		require.NoError(t, sink.Close(ctx))
		require.NoError(t, source.Close(ctx))
		require.Zero(t, time.Since(begin), "at once")
	})
}

func TestLagCountsOrTellsTheAge(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				acks := sendAll(t, b, rec("a", "1"), rec("a", "2"), rec("a", "3"))
				time.Sleep(time.Minute)
				lag := func() stream.Lag {
					all, err := b.Lag(t.Context(), sourceConfig("g", ""), nil)
					require.NoError(t, err)
					require.Len(t, all, 1)
					return all[0]
				}
				known := p == memory.Kafka
				require.Equal(t, stream.Count{N: 60_000, Known: true}, lag().Millis)
				require.Equal(t, known, lag().Records.Known)
				c := next(t, openSource(t, b, sourceConfig("g", "m")))
				require.NoError(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: acks[1].Position}))
				if known {
					require.Equal(t, int64(1), lag().Records.N)
				}
				require.NoError(t, c.Checkpoint(t.Context(), stream.Checkpoint{Position: acks[2].Position}))
				require.Equal(t, stream.Count{Known: true}, lag().Millis)
				require.Equal(t, acks[2].Position, lag().Checkpoint)
			})
		})
	}
}

func TestAssignmentIsFairAndStable(t *testing.T) {
	c := kafka()
	c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 1000}}
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		held := map[string]int{}
		for i := range 8 {
			s := openSource(t, b, sourceConfig("g", fmt.Sprint("m", i)))
			go func() {
				for {
					c, err := s.Next(context.Background())
					if err != nil {
						return
					}
					go func() {
						select {
						case <-c.Hold().Asked:
						case <-c.Hold().Lost:
						}
						_ = c.Release(context.Background(), false)
					}()
				}
			}()
			synctest.Wait()
		}
		for _, p := range b.Partitions("s") {
			held[b.Holder("g", "s", p)]++
		}
		require.Len(t, held, 8)
		for m, n := range held {
			require.Equal(t, 125, n, m)
		}
		require.NoError(t, b.Close()) // ends the members
		synctest.Wait()
	})
}
