package reader_test

import (
	"context"
	"errors"
	"fmt"
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

// event is a page of a subscription.
func event(resume int, numbers ...int) api.Page {
	p := page("", numbers...)
	p.End, p.Continue = false, fmt.Sprint(resume)
	return p
}

// last is the event at a shard's end.
func last(numbers ...int) api.Page {
	p := page("", numbers...)
	p.Children = []shard.Child{{ID: "shard-1", Parents: []string{"shard-0"}}}
	return p
}

// fanOut is a reader whose consumer is active.
func fanOut(t *testing.T, s *service, c reader.Config) *reader.FanOut {
	t.Helper()
	if s.consumer == nil {
		s.consumer = func(int) (api.Consumer, error) { return api.Consumer{ARN: "arn:1", Status: "ACTIVE"}, nil }
	}
	consumer, err := reader.Register(t.Context(), reader.Registration{Service: s, Stream: "orders", Name: "us"})
	require.NoError(t, err)
	c.Consumer = consumer
	return reader.Subscribe(c)
}

// take reads so many pages and returns the numbers of their records.
func take(t *testing.T, r reader.Reader, pages int) []string {
	t.Helper()
	var all []string
	for range pages {
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		all = append(all, numbers(p)...)
	}
	return all
}

// The end of a connection is not that of the shard, however it looks.
func TestSubscriptionGoesOnWhereItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(n int, consumer string, _ api.From) (api.Subscription, error) {
			require.Equal(t, "arn:1", consumer)
			switch n {
			case 0:
				return push(io.EOF, event(20, 10, 11)), nil
			case 1:
				return push(io.EOF, event(30, 20, 21), event(40)), nil
			case 2:
				return push(io.EOF, event(50, 11, 21, 40, 41)), nil // repeats what was there before
			}
			return push(io.EOF, last(60)), nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"10", "11", "20", "21", "40", "41", "60"}, take(t, r, 5))
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, []api.From{
			oldest, {Kind: api.AtSequence, Sequence: "20"}, {Kind: api.AtSequence, Sequence: "40"}, {Kind: api.AtSequence, Sequence: "50"},
		}, s.froms)
		require.Equal(t, slices.Repeat([]time.Duration{5 * time.Second}, 3), gaps(s.connects), "never within 5 s of a success")
	})
}

func TestContinuationThatIsTheLastRecordRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(n int, _ string, _ api.From) (api.Subscription, error) {
			if n == 0 {
				return push(io.EOF, event(11, 10, 11)), nil
			}
			return push(nil, event(12, 10, 11, 12)), nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"10", "11", "12"}, take(t, r, 2))
		require.Equal(t, api.From{Kind: api.AfterSequence, Sequence: "11"}, s.froms[1])
	})
}

func TestFiveMinutesLaterItIsSubscribedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(n int, _ string, _ api.From) (api.Subscription, error) {
			p := push(io.EOF)
			for i := range 10 {
				p.events = append(p.events, event(1000*n+i))
			}
			p.every = 30 * time.Second
			return p, nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		take(t, r, 21)
		require.Equal(t, slices.Repeat([]time.Duration{330 * time.Second}, 2), gaps(s.connects))
	})
}

func TestSilentSubscriptionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent *pushes
		s := &service{}
		s.subscribe = func(n int, _ string, _ api.From) (api.Subscription, error) {
			if n == 0 {
				silent = push(nil, event(5, 4))
				return silent, nil
			}
			return push(nil, event(6, 5)), nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"4", "5"}, take(t, r, 2))
		require.Equal(t, []time.Duration{35 * time.Second}, gaps(s.connects))
		<-silent.over // it was closed
	})
}

// Streams that are accepted and then die without an event must not be asked for without end.
func TestFruitlessSubscriptionsBackOffAndThenTheShardIsPolled(t *testing.T) {
	for name, fruitless := range map[string]func() (api.Subscription, error){
		"ended":      func() (api.Subscription, error) { return push(io.EOF), nil },
		"unanswered": func() (api.Subscription, error) { return nil, unanswered() },
		"garbage":    func() (api.Subscription, error) { return push(&api.Error{Status: 200, Err: io.ErrNoProgress}), nil },
		"throttled":  func() (api.Subscription, error) { return nil, failed(api.LimitExceeded) },
		"taken":      func() (api.Subscription, error) { return nil, failed(api.InUse) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				works := false
				s := &service{read: func(n int, _ string, _ int) (api.Page, error) { return page("next", n+1), nil }}
				s.subscribe = func(int, string, api.From) (api.Subscription, error) {
					if works {
						return push(nil, event(10_000, 9_999)), nil
					}
					return fruitless()
				}
				var told events
				c := config(s, oldest)
				c.Observe = told.observe
				r := fanOut(t, s, c)
				defer r.Close()
				require.Equal(t, []string{"1", "2"}, take(t, r, 2))
				require.Len(t, s.connects, 5)
				for i, gap := range gaps(s.connects) {
					require.GreaterOrEqual(t, gap, time.Second<<(i+1))
				}
				changes := slices.DeleteFunc(told.kinds(), func(k string) bool { return k == stream.EventThrottled })
				require.Equal(t, []string{stream.EventCapabilityChanged}, changes)

				for len(s.connects) < 6 { // it is tried again, once
					take(t, r, 1)
				}
				require.GreaterOrEqual(t, s.connects[5].Sub(s.connects[4]), 5*time.Minute)
				works = true
				var all []string
				for len(s.connects) < 7 {
					all = append(all, take(t, r, 1)...)
				}
				require.Equal(t, "9999", all[len(all)-1])
				require.Equal(t, api.AfterSequence, s.froms[len(s.froms)-1].Kind, "after the last record polled")
				changes = slices.DeleteFunc(told.kinds(), func(k string) bool { return k == stream.EventThrottled })
				require.Equal(t, slices.Repeat([]string{stream.EventCapabilityChanged}, 2), changes)
			})
		})
	}
}

func TestPollingEndsTheShardToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{read: func(int, string, int) (api.Page, error) { return last(7), nil }}
		s.subscribe = func(int, string, api.From) (api.Subscription, error) { return push(io.EOF), nil }
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		p, err := r.Next(t.Context())
		require.NoError(t, err)
		require.True(t, p.End)
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, io.EOF)
	})
}

// Whoever took the subscription may have taken the lease too: the caller is asked before it is taken back.
func TestTakenSubscriptionIsTakenBackByItsOwnerOnly(t *testing.T) {
	for name, verdict := range map[string]error{"owner": nil, "lost": stream.ErrLost} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, connected := time.Time{}, time.Time{}
				s := &service{}
				s.subscribe = func(n int, _ string, _ api.From) (api.Subscription, error) {
					if n == 0 {
						connected = time.Now()
						return push(&api.Error{Op: "SubscribeToShard", Code: api.InUse, Status: 200}, event(5, 4)), nil
					}
					return push(nil, event(6, 5)), nil
				}
				c := config(s, oldest)
				c.Verify = func(context.Context) error {
					asked = time.Now()
					return verdict
				}
				r := fanOut(t, s, c)
				defer r.Close()
				require.Equal(t, []string{"4"}, take(t, r, 1))
				p, err := r.Next(t.Context())
				require.ErrorIs(t, err, verdict)
				require.Equal(t, 5*time.Second, asked.Sub(connected), "just before")
				if verdict == nil {
					require.Equal(t, []string{"5"}, numbers(p))
				} else {
					require.Len(t, s.connects, 1)
				}
			})
		})
	}
}

func TestRefusedContinuationIsRetreatedFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(n int, _ string, from api.From) (api.Subscription, error) {
			switch {
			case n == 0:
				return push(io.EOF, event(90, 4)), nil
			case from.Sequence == "90":
				return nil, failed(api.Argument)
			case n == 2:
				return push(io.EOF, event(91, 4, 5)), nil
			}
			return nil, failed(api.Argument)
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"4", "5"}, take(t, r, 2))
		require.Equal(t, api.From{Kind: api.AfterSequence, Sequence: "4"}, s.froms[2])
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrInvalid)
	})
}

func TestErrorOfTheCallerIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(n int, _ string, _ api.From) (api.Subscription, error) {
			if n == 0 {
				return nil, failed(api.Denied)
			}
			return push(nil, event(5, 4)), nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		require.Equal(t, []string{"4"}, take(t, r, 1))
	})
}

func TestShardThatIsGoneIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{subscribe: func(int, string, api.From) (api.Subscription, error) { return nil, failed(api.Missing) }}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrNotFound)
		require.Equal(t, api.Missing, api.CodeOf(err))
	})
}

func TestConsumerThatWasMadeAnewIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.consumer = func(n int) (api.Consumer, error) {
			return api.Consumer{ARN: fmt.Sprintf("arn:%d", n), Status: "ACTIVE"}, nil
		}
		s.subscribe = func(_ int, consumer string, _ api.From) (api.Subscription, error) {
			if consumer == "arn:0" {
				return nil, failed(api.Missing)
			}
			return push(nil, event(5, 4)), nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"4"}, take(t, r, 1))
	})
}

func TestEndOfContextKeepsTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.subscribe = func(int, string, api.From) (api.Subscription, error) {
			p := push(nil, event(5, 4), event(6, 5))
			p.every = 10 * time.Second
			return p, nil
		}
		r := fanOut(t, s, config(s, oldest))
		defer r.Close()
		require.Equal(t, []string{"4"}, take(t, r, 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"5"}, take(t, r, 1))
		require.Len(t, s.connects, 1)
	})
}

func TestCloseEndsSubscriptionAndNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := push(nil)
		s := &service{subscribe: func(int, string, api.From) (api.Subscription, error) { return open, nil }}
		r := fanOut(t, s, config(s, oldest))
		ended := make(chan error, 1)
		go func() {
			_, err := r.Next(t.Context())
			ended <- err
		}()
		synctest.Wait()
		require.NoError(t, r.Close())
		require.ErrorIs(t, <-ended, stream.ErrClosed)
		<-open.over
		_, err := r.Next(t.Context())
		require.ErrorIs(t, err, stream.ErrClosed)
		require.Error(t, open.bound.Err(), "its context has ended")
	})
}

func TestConsumerIsRegisteredAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			consumer: func(n int) (api.Consumer, error) {
				switch n {
				case 0:
					return api.Consumer{}, failed(api.Missing)
				case 1:
					return api.Consumer{}, failed(api.LimitExceeded)
				case 2:
					return api.Consumer{ARN: "arn:1", Status: "CREATING"}, nil
				}
				return api.Consumer{ARN: "arn:1", Status: "ACTIVE"}, nil
			},
			register: func(int) (api.Consumer, error) { return api.Consumer{ARN: "arn:1", Status: "CREATING"}, nil },
		}
		c, err := reader.Register(t.Context(), reader.Registration{Service: s, Stream: "orders", Name: "us"})
		require.NoError(t, err)
		require.Equal(t, "arn:1", c.ARN())
		require.NoError(t, c.Close(t.Context()))
		require.Empty(t, s.withdrawn, "it may be somebody else's")
	})
}

func TestConsumerOfAnotherMemberServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{
			consumer: func(n int) (api.Consumer, error) {
				if n == 0 {
					return api.Consumer{}, failed(api.Missing)
				}
				return api.Consumer{ARN: "arn:1", Status: "ACTIVE"}, nil
			},
			register: func(int) (api.Consumer, error) { return api.Consumer{}, failed(api.InUse) },
		}
		c, err := reader.Register(t.Context(), reader.Registration{Service: s, Stream: "arn:aws:kinesis", Name: "us", Own: true})
		require.NoError(t, err)
		require.NoError(t, c.Close(t.Context()))
		require.Equal(t, []string{"arn:1"}, s.withdrawn)
	})
}

func TestConsumerThatNeverActivatesIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{consumer: func(int) (api.Consumer, error) { return api.Consumer{ARN: "arn:1", Status: "CREATING"}, nil }}
		_, err := reader.Register(t.Context(), reader.Registration{Service: s, Stream: "orders", Name: "us"})
		require.ErrorContains(t, err, "not active")
	})
}

func TestConsumerThatMayNotBeDescribedIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{consumer: func(int) (api.Consumer, error) { return api.Consumer{}, failed(api.Denied) }}
		_, err := reader.Register(t.Context(), reader.Registration{Service: s, Stream: "orders", Name: "us"})
		require.True(t, errors.Is(err, stream.ErrUnauthorized))
	})
}
