package reader_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

var oldest = api.From{Kind: api.Oldest}

// gaps are the times between calls.
func gaps(at []time.Time) []time.Duration {
	var all []time.Duration
	for i := 1; i < len(at); i++ {
		all = append(all, at[i].Sub(at[i-1]))
	}
	return all
}

func TestPollsSlowlyAtTheTipAndFastBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			p := page("next", n+1)
			if n >= 2 && n < 4 {
				p.Behind = time.Second
			}
			return p, nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		for range 6 {
			_, err := r.Next(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, []time.Duration{time.Second, time.Second, 200 * time.Millisecond, 200 * time.Millisecond, time.Second}, gaps(s.reads))
		require.Len(t, s.froms, 1, "the iterator is kept")
	})
}

func TestShareOfCallsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			p := page("next", n+1)
			p.Behind = time.Second
			return p, nil
		}}
		c := config(s, oldest)
		c.Share = 0.5
		r := reader.Poll(c)
		defer r.Close()
		for range 3 {
			_, err := r.Next(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, []time.Duration{400 * time.Millisecond, 400 * time.Millisecond}, gaps(s.reads))
	})
}

func TestLargeAnswerIsDigested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			p := page("next", n+1)
			p.Bytes, p.Behind = 10<<20, time.Second
			return p, nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		for range 2 {
			_, err := r.Next(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, []time.Duration{5 * time.Second}, gaps(s.reads))
	})
}

func TestLimitFollowsSizeAndRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bytes, room := 1000, int64(10<<20)
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			p := page("next", n+1)
			p.Bytes = bytes
			return p, nil
		}}
		c := config(s, oldest)
		c.Room = func() int64 { return room }
		r := reader.Poll(c)
		defer r.Close()
		next := func() int {
			_, err := r.Next(t.Context())
			require.NoError(t, err)
			return s.limits[len(s.limits)-1]
		}
		next()
		require.Equal(t, 9437, next(), "9 MiB of records of 1,000 bytes")
		bytes = 1 << 20
		next()
		require.Equal(t, 9, next(), "large records are few, at once")
		bytes = 1000
		next()
		require.Less(t, next(), 15, "small ones are more, slowly")
		for range 50 {
			next()
		}
		require.Greater(t, next(), 9000)
		room = 50_000
		require.Less(t, next(), 51, "the room of the caller")
		room = 0
		require.Equal(t, 1, next())
	})
}

func TestThrottlingIsWaitedForAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			if n < 6 {
				return api.Page{}, failed(api.Throughput)
			}
			return page("next", 1), nil
		}}
		var told events
		c := config(s, oldest)
		c.Observe = told.observe
		r := reader.Poll(c)
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, numbers(p))
		require.Equal(t, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}, gaps(s.reads))
		require.Len(t, s.froms, 1, "the iterator is kept")
		require.Equal(t, slices.Repeat([]string{stream.EventThrottled}, 6), told.kinds())
		require.Equal(t, "shard-0", told.all[0].Partition)
		require.ErrorIs(t, told.all[0].Err, stream.ErrThrottled)
	})
}

func TestLastingFaultIsToldAndReadingGoesOn(t *testing.T) {
	for name, fault := range map[string]error{"throttled": failed(api.Throughput), "unanswered": unanswered()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broken := true
				s := &service{read: func(int, string, int) (api.Page, error) {
					if broken {
						return api.Page{}, fault
					}
					return page("next", 7), nil
				}}
				r := reader.Poll(config(s, oldest))
				defer r.Close()
				_, err := r.Next(t.Context())
				require.ErrorIs(t, err, fault)
				broken = false
				p, err := r.Next(t.Context())
				require.NoError(t, err)
				require.Equal(t, []string{"7"}, numbers(p))
			})
		})
	}
}

func TestExpiredIteratorGoesOnAfterTheLastRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, iterator string, _ int) (api.Page, error) {
			switch {
			case n == 1:
				return api.Page{}, failed(api.OldIterator)
			case n == 0:
				return page("old", 1, 2), nil
			}
			require.Equal(t, "i1", iterator)
			return page("next", 3), nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		var all []string
		for range 2 {
			p, err := r.Next(t.Context())
			require.NoError(t, err)
			all = append(all, numbers(p)...)
		}
		require.Equal(t, []string{"1", "2", "3"}, all)
		require.Equal(t, []api.From{oldest, {Kind: api.AfterSequence, Sequence: "2"}}, s.froms)
	})
}

// An iterator that expires before anything was read begins at the same time again: not at the tip, not at the beginning.
func TestExpiredIteratorKeepsTheTimeItBeganAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := api.From{Kind: api.AtTime, Time: time.UnixMilli(1_700_000_000_123)}
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			if n == 1 {
				return api.Page{}, failed(api.OldIterator)
			}
			return page("next"), nil
		}}
		r := reader.Poll(config(s, from))
		defer r.Close()
		for range 2 {
			_, err := r.Next(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, []api.From{from, from}, s.froms)
	})
}

func TestTipIsNotLookedForTwice(t *testing.T) {
	for name, date := range map[string]time.Time{"with the service's clock": time.Unix(1_700_000_000, 0), "without": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
					if n == 1 {
						return api.Page{}, failed(api.OldIterator)
					}
					p := page("next")
					p.Date = date
					return p, nil
				}}
				r := reader.Poll(config(s, api.From{Kind: api.Latest}))
				defer r.Close()
				_, err := r.Next(t.Context())
				require.NoError(t, err)
				_, err = r.Next(t.Context())
				if date.IsZero() {
					require.Equal(t, api.OldIterator, api.CodeOf(err))
					return
				}
				require.NoError(t, err)
				require.Equal(t, api.From{Kind: api.AtTime, Time: date}, s.froms[1])
			})
		})
	}
}

func TestIteratorsThatExpireAtOnceAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(int, string, int) (api.Page, error) { return api.Page{}, failed(api.OldIterator) }}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.Equal(t, api.OldIterator, api.CodeOf(err))
		require.Len(t, s.froms, 4)
	})
}

func TestRefusedIteratorIsRefreshedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			if n == 0 || n > 1 {
				return api.Page{}, failed(api.Argument)
			}
			return page("next", 1), nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.NoError(t, err)
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.Equal(t, []api.From{oldest, oldest, {Kind: api.AfterSequence, Sequence: "1"}}, s.froms)
	})
}

func TestRefusedPlaceIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{iterate: func(int, api.From) (string, error) { return "", failed(api.Argument) }}
		r := reader.Poll(config(s, api.From{Kind: api.AfterSequence, Sequence: "5"}))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.Len(t, s.froms, 1)
	})
}

func TestErrorsOfTheCallerAreReturnedAtOnce(t *testing.T) {
	for code, sentinel := range map[string]error{
		api.Missing: stream.ErrNotFound, api.Denied: stream.ErrUnauthorized, "ExpiredTokenException": stream.ErrUnauthorized,
		"KMSDisabledException": stream.ErrUnauthorized, api.Validation: stream.ErrInvalid,
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
					if n == 0 {
						return api.Page{}, failed(code)
					}
					return page("next", 1), nil
				}}
				r := reader.Poll(config(s, oldest))
				defer r.Close()
				began := time.Now()
				_, err := r.Next(t.Context())
				require.ErrorIs(t, err, sentinel)
				require.Zero(t, time.Since(began))
				p, err := r.Next(t.Context())
				require.NoError(t, err, "and reading can go on")
				require.Equal(t, []string{"1"}, numbers(p))
			})
		})
	}
}

func TestRecordsBeforeTheBeginningAreDropped(t *testing.T) {
	for kind, want := range map[string][]string{api.AtSequence: {"10", "11"}, api.AfterSequence: {"11"}} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{read: func(int, string, int) (api.Page, error) { return page("next", 8, 9, 10, 11), nil }}
				r := reader.Poll(config(s, api.From{Kind: kind, Sequence: "10"}))
				defer r.Close()
				p, err := r.Next(t.Context())
				require.NoError(t, err)
				require.Equal(t, want, numbers(p))
				require.Equal(t, 10*len(want), p.Bytes)
			})
		})
	}
}

func TestEndComesOnceWithItsChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		children := []shard.Child{{ID: "shard-1", Parents: []string{"shard-0"}}}
		s := &service{read: func(int, string, int) (api.Page, error) {
			p := page("", 1)
			p.Children = children
			return p, nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.True(t, p.End)
		require.Equal(t, children, p.Children)
		require.Equal(t, []string{"1"}, numbers(p))
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, io.EOF)
	})
}

// halves are a split's: the parent, and what is listed of its children.
func halves(closed bool, children int) api.Listing {
	middle := shard.Hash{High: 1 << 63}
	all := []shard.Shard{
		{ID: "shard-0", Range: shard.Whole(), Closed: closed},
		{ID: "shard-1", Parent: "shard-0", Range: shard.Range{Last: shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}}},
		{ID: "shard-2", Parent: "shard-0", Range: shard.Range{First: middle, Last: shard.Whole().Last}},
		{ID: "shard-3", Parent: "shard-9", Range: shard.Whole()},
	}
	return api.Listing{Shards: slices.Delete(all, 1+children, 3)}
}

// An end without children is asked for again, and then the listing must have all of them.
func TestEndWithoutChildrenIsConfirmedByTheListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			read:   func(int, string, int) (api.Page, error) { return page("", 1), nil },
			shards: func(n int) (api.Listing, error) { return halves(n > 0, min(n, 2)), nil },
		}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.True(t, p.End)
		require.Equal(t, "shard-1", p.Children[0].ID)
		require.Equal(t, "shard-2", p.Children[1].ID)
		require.Equal(t, []string{"shard-0"}, p.Children[1].Parents)
		require.Equal(t, []string{"1"}, numbers(p))
	})
}

func TestDamagedAnswerIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) {
			if n == 0 {
				return page(""), nil
			}
			return page("next", 1), nil
		}}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.False(t, p.End)
		require.Equal(t, []string{"1"}, numbers(p))
	})
}

func TestOpenShardDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			read:   func(int, string, int) (api.Page, error) { return page("", 1), nil },
			shards: func(int) (api.Listing, error) { return halves(false, 0), nil },
		}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		for range 2 {
			_, err := r.Next(t.Context())
			require.ErrorContains(t, err, "listed as open")
		}
	})
}

func TestShardThatIsTrimmedEndsWithoutChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			read:   func(int, string, int) (api.Page, error) { return page("", 1), nil },
			shards: func(int) (api.Listing, error) { return api.Listing{}, nil },
		}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.True(t, p.End)
		require.Empty(t, p.Children)
	})
}

func TestClosedShardWhoseChildrenStayUnlistedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			read:   func(int, string, int) (api.Page, error) { return page("", 1), nil },
			shards: func(int) (api.Listing, error) { return halves(true, 1), nil },
		}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		began := time.Now()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.True(t, p.End)
		require.Len(t, p.Children, 1)
		require.Greater(t, time.Since(began), 20*time.Second)
	})
}

func TestEndOfContextConsumesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(n int, _ string, _ int) (api.Page, error) { return page("next", n+1), nil }}
		r := reader.Poll(config(s, oldest))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err = r.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"2"}, numbers(p))
		require.Equal(t, []time.Duration{time.Second}, gaps(s.reads))
	})
}

func TestCloseEndsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(int, string, int) (api.Page, error) { return api.Page{}, unanswered() }}
		r := reader.Poll(config(s, oldest))
		ended := make(chan error, 1)
		go func() {
			_, err := r.Next(t.Context())
			ended <- err
		}()
		synctest.Wait()
		require.NoError(t, r.Close())
		require.ErrorIs(t, <-ended, stream.ErrClosed)
		_, err := r.Next(t.Context())
		require.True(t, errors.Is(err, stream.ErrClosed))
	})
}
