package franz

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// fakes are the clusters that behave differently in transactions: with transaction.version 2, and before it.
var fakes = map[string][]kfake.Opt{"TV2": nil, "TV1": {kfake.MaxVersions(kversion.V3_8_0())}}

func newFake(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// onFakes runs a test on each of the fakes.
func onFakes(t *testing.T, test func(b *txBed, c *kfake.Cluster)) {
	for name, options := range fakes {
		t.Run(name, func(t *testing.T) {
			c := newFake(t, options...)
			test(newTxBed(t, c.ListenAddrs()), c)
		})
	}
}

func TestTxCommitShowsAll(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { commitShowsAll(b) })
}

func commitShowsAll(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 2)), b.join(b.in)
	tx := b.begin(s)
	b.put(tx, "a", "b", "c")
	require.NoError(b, s.Sink.Flush(b.Context()))
	require.Empty(b, b.values(kgo.ReadCommitted()), "records before the commit")
	require.NoError(b, tx.Commit(b.Context(), b.claim(m), checkpoint(5, "state")))
	require.ElementsMatch(b, []string{"a", "b", "c"}, b.visible())
	require.Equal(b, committed(checkpoint(5, "state")), b.saved(b.in))

	tx = b.begin(s)
	b.put(tx, "d")
	require.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}), "a commit without a claim")
	require.ElementsMatch(b, []string{"a", "b", "c", "d"}, b.visible())
	require.ErrorIs(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}), stream.ErrClosed, "a second commit")
}

func TestTxAbortShowsNothing(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { abortShowsNothing(b) })
}

func abortShowsNothing(b *txBed) {
	s := b.sink(b.client, b.config("m", 1))
	tx := b.begin(s)
	b.put(tx, "aborted")
	require.NoError(b, tx.Abort(b.Context()))
	tx = b.begin(s)
	b.put(tx, "flushed")
	require.NoError(b, tx.(*crashable).flushed(b.Context()))
	require.NoError(b, tx.Abort(b.Context()))
	tx = b.begin(s)
	b.put(tx, "kept")
	require.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}))
	require.Equal(b, []string{"kept"}, b.visible())
	require.Subset(b, b.values(kgo.ReadUncommitted()), []string{"kept", "flushed"})
	b.settle()
}

// flushed sends what was appended.
func (t *tx) flushed(ctx context.Context) error { return t.session.sink.Flush(ctx) }

func TestTxFailedRecordAborts(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
		tx := b.begin(s)
		b.put(tx, "beside", string(make([]byte, 2<<20)))
		require.ErrorIs(b, tx.Commit(b.Context(), b.claim(m), checkpoint(5, "")), stream.ErrTooLarge)
		require.Empty(b, b.visible())
		require.Zero(b, b.saved(b.in))
		tx = b.begin(s)
		b.put(tx, "after")
		require.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}))
		require.Equal(b, []string{"after"}, b.visible())
	})
}

func TestTxNewTopics(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, c *kfake.Cluster) {
		const sessions, each = 8, 40
		s := b.sink(b.client, b.config("m", sessions))
		topics := make([]string, sessions*each)
		for i := range topics {
			topics[i] = fmt.Sprintf("%s-%d", b.out, i)
			require.NoError(b, c.CreateTopic(topics[i], 1, nil))
		}
		var wg sync.WaitGroup
		for i := range sessions {
			wg.Go(func() {
				for _, topic := range topics[i*each : (i+1)*each] {
					tx, err := s.Begin(b.Context())
					if assert.NoError(b, err) {
						tx.Append(b.Context(), []*stream.Record{{Stream: topic, Value: []byte(topic)}}, func(stream.Ack, error) {})
						assert.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}))
					}
				}
			})
		}
		wg.Wait()
		reader, err := kgo.NewClient(kgo.SeedBrokers(b.addrs...), kgo.ConsumeTopics(topics...),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		require.NoError(b, err)
		defer reader.Close()
		ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
		defer cancel()
		missing := map[string]bool{}
		for _, topic := range topics {
			missing[topic] = true
		}
		for len(missing) > 0 && ctx.Err() == nil {
			reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { delete(missing, r.Topic) })
		}
		require.Empty(b, missing, "topics whose committed record is not visible")
	})
}

func TestTxOffsetsOnly(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { offsetsOnly(b) })
}

// offsetsOnly: a checkpoint without records is stored, and readable, at once.
func offsetsOnly(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	require.NoError(b, b.begin(s).Commit(b.Context(), b.claim(m), checkpoint(7, "")))
	require.EqualValues(b, 7, b.saved(b.in).Offset.At)
	tx := b.begin(s)
	b.put(tx, "after")
	require.NoError(b, tx.Commit(b.Context(), b.claim(m), checkpoint(8, "")))
	require.EqualValues(b, 8, b.saved(b.in).Offset.At)
}

func TestTxRefusesMemberThatLeft(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { refusesMemberThatLeft(b) })
}

// refusesMemberThatLeft: every broker takes offsets of no member at generation -1.
func refusesMemberThatLeft(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	c := b.claim(m)
	c.membership = func() engine.Membership { return engine.Membership{Group: b.in, Generation: -1} }
	for _, values := range [][]string{{"derived"}, nil} {
		tx := b.begin(s)
		b.put(tx, values...)
		require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(5, "")), stream.ErrLost)
	}
	require.Empty(b, b.visible())
	require.Zero(b, b.saved(b.in))
}

func TestTxZombieIsFenced(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { zombieIsFenced(b) })
}

// zombieIsFenced: neither an unknown member nor an old generation commits, and a claim that is lost does not ask.
func zombieIsFenced(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	real := m.membership()
	unknown, old := real, real
	unknown.Member += "-not"
	old.Generation += 7
	for what, as := range map[string]engine.Membership{"an unknown member": unknown, "another generation": old} {
		c := b.claim(m)
		c.membership = func() engine.Membership { return as }
		tx := b.begin(s)
		b.put(tx, what)
		err := tx.Commit(b.Context(), c, checkpoint(5, ""))
		require.ErrorIs(b, err, stream.ErrLost, what)
		require.NotErrorIs(b, err, stream.ErrUnknownOutcome, what)
	}
	c := b.claim(m)
	c.lost.Store(true)
	tx := b.begin(s)
	b.put(tx, "a lost claim")
	require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(5, "")), stream.ErrLost)
	require.Zero(b, c.guarded.Load())
	require.Empty(b, b.visible())
	require.Zero(b, b.saved(b.in))
	b.settle()
}

func TestTxFollowsGeneration(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
		c, calls := b.claim(m), 0
		c.membership = func() engine.Membership {
			now := m.membership()
			if calls++; calls < 3 {
				now.Generation-- // the coordinator has the next one already
			}
			return now
		}
		tx := b.begin(s)
		b.put(tx, "a")
		require.NoError(b, tx.Commit(b.Context(), c, checkpoint(5, "")))
		require.EqualValues(b, 5, b.saved(b.in).Offset.At)
	})
}

func TestTxLostAnswers(t *testing.T) {
	t.Parallel()
	for what, at := range map[string]loss{"before": lostRequests, "after": lostAnswers} {
		t.Run(what, func(t *testing.T) {
			onFakes(t, func(b *txBed, _ *kfake.Cluster) {
				lostAnswer(b, at, 1)
				lostAnswer(b, at, -1)
			})
		})
	}
}

// lostAnswer: whatever Commit returns is what can be read.
func lostAnswer(b *txBed, what loss, times int) {
	group := b.in + string(rune('b'+times))
	s, m := b.sink(b.client, b.config("lost", 1)), b.join(group)
	defer func() { require.NoError(b, s.Close(context.Background())) }()
	before := b.visible()
	tx := b.begin(s)
	b.put(tx, "answered")
	b.wire.lose(kmsg.EndTxn, what, times)
	err := tx.Commit(b.Context(), b.claim(m), checkpoint(5, "s"))
	require.NotZero(b, b.wire.count(), "the fault")
	b.wire.lose(kmsg.EndTxn, nothing, 0)
	require.NotErrorIs(b, err, stream.ErrUnknownOutcome)
	if what == lostAnswers || times == 1 {
		require.NoError(b, err)
		require.EqualValues(b, 5, b.saved(group).Offset.At)
		require.Len(b, b.visible(), len(before)+1)
	} else {
		require.ErrorIs(b, err, errAborted)
		require.Zero(b, b.saved(group))
		require.Len(b, b.visible(), len(before))
	}
	tx = b.begin(s)
	b.put(tx, "next")
	require.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}))
	b.settle()
}

func TestTxUnknownWithoutClaim(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s := b.sink(b.client, b.config("m", 1))
		tx := b.begin(s)
		b.put(tx, "a")
		b.wire.lose(kmsg.EndTxn, lostAnswers, -1)
		require.ErrorIs(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}), stream.ErrUnknownOutcome)
		b.wire.lose(kmsg.EndTxn, nothing, 0)
		require.Equal(b, []string{"a"}, b.visible(), "an unknown commit is not aborted")
	})
}

func TestTxUnknownAtSameOffset(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
		c := b.claim(m)
		tx := b.begin(s)
		b.put(tx, "a")
		require.NoError(b, tx.Commit(b.Context(), c, checkpoint(5, "")))
		tx = b.begin(s)
		b.put(tx, "b")
		b.wire.lose(kmsg.EndTxn, lostRequests, -1)
		err := tx.Commit(b.Context(), c, checkpoint(5, ""))
		b.wire.lose(kmsg.EndTxn, nothing, 0)
		require.ErrorIs(b, err, stream.ErrUnknownOutcome, "the group's offset is the same either way")
		require.Equal(b, []string{"a"}, b.visible())
	})
}

func TestTxUnansweredRequestsAbort(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]kmsg.Key{"TxnOffsetCommit": kmsg.TxnOffsetCommit, "Produce": kmsg.Produce} {
		t.Run(name, func(t *testing.T) {
			onFakes(t, func(b *txBed, _ *kfake.Cluster) {
				s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
				tx := b.begin(s)
				b.wire.lose(key, lostAnswers, -1)
				b.put(tx, "a")
				ctx, cancel := context.WithTimeout(b.Context(), time.Second)
				defer cancel()
				err := tx.Commit(ctx, b.claim(m), checkpoint(5, ""))
				b.wire.lose(key, nothing, 0)
				require.Error(b, err)
				require.NotErrorIs(b, err, stream.ErrUnknownOutcome)
				tx = b.begin(s)
				b.put(tx, "b")
				require.NoError(b, tx.Commit(b.Context(), nil, stream.Checkpoint{}))
				require.Equal(b, []string{"b"}, b.visible())
				require.Zero(b, b.saved(b.in))
			})
		})
	}
}

func TestTxCheckpointIsSaidAgainWithoutAnswer(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"AddOffsetsToTxn": kmsg.AddOffsetsToTxn, "TxnOffsetCommit": kmsg.TxnOffsetCommit} {
		for when, what := range map[string]loss{"before": lostRequests, "after": lostAnswers} {
			t.Run(name+"/"+when, func(t *testing.T) {
				onFakes(t, func(b *txBed, _ *kfake.Cluster) {
					s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
					tx := b.begin(s)
					b.wire.lose(key, what, 1)
					b.put(tx, "a")
					require.NoError(b, tx.Commit(b.Context(), b.claim(m), checkpoint(5, "")))
					require.Equal(b, []string{"a"}, b.visible())
					require.EqualValues(b, 5, b.saved(b.in).Offset.At)
				})
			})
		}
	}
}

func TestTxSameIDFences(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { sameIDFences(b) })
}

// sameIDFences: a second process under the member's name takes the id over; the first one's transaction is aborted.
func sameIDFences(b *txBed) {
	first, second := b.sink(b.client, b.config("m", 1)), b.sink(b.newClient(), b.config("m", 1))
	m := b.join(b.in)
	old := b.begin(first)
	b.put(old, "old")
	require.NoError(b, old.(*crashable).flushed(b.Context()))
	fresh := b.begin(second)
	b.settle()
	err := old.Commit(b.Context(), b.claim(m), checkpoint(5, ""))
	require.ErrorIs(b, err, stream.ErrLost)
	require.NotErrorIs(b, err, stream.ErrUnknownOutcome)
	require.Zero(b, b.saved(b.in))
	again := b.begin(first)
	b.put(again, "again")
	require.NoError(b, again.Commit(b.Context(), nil, stream.Checkpoint{}), "the session has a new client")
	b.put(fresh, "fresh")
	require.ErrorIs(b, fresh.Commit(b.Context(), nil, stream.Checkpoint{}), stream.ErrLost, "and has fenced the other")
	require.Equal(b, []string{"again"}, b.visible())
}

func TestTxCrashIsTakenOver(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { crashIsTakenOver(b) })
}

// crashIsTakenOver: what a crash left open, in any slot, is aborted when the member is back.
func crashIsTakenOver(b *txBed) {
	crashed := b.sink(b.client, b.config("m", 3))
	for _, value := range []string{"0", "1", "2"} {
		tx := b.begin(crashed)
		b.put(tx, value)
		require.NoError(b, tx.(*crashable).flushed(b.Context()))
	}
	require.NotZero(b, b.open())
	s := b.sink(b.newClient(), b.config("m", 3))
	b.begin(s)
	b.settle()
	require.Empty(b, b.visible())
}

type crashable = tx

func TestTxCoordinatorMoves(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, c *kfake.Cluster) {
		s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
		for i, value := range []string{"a", "b", "c", "d"} {
			tx := b.begin(s)
			b.put(tx, value)
			c.RehashCoordinators()
			err := tx.Commit(b.Context(), b.claim(m), checkpoint(int64(i+1), ""))
			if err != nil { // the group may have begun anew
				require.ErrorIs(b, err, stream.ErrLost)
				continue
			}
			require.EqualValues(b, i+1, b.saved(b.in).Offset.At)
			require.Contains(b, b.visible(), value)
		}
	})
}

func TestTxTimeout(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { txTimeout(b) })
}

func txTimeout(b *txBed) {
	b.client.settings.TxTimeout = time.Second
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	tx := b.begin(s)
	b.put(tx, "late")
	require.NoError(b, tx.(*crashable).flushed(b.Context()))
	b.settle()
	err := tx.Commit(b.Context(), b.claim(m), checkpoint(5, ""))
	require.Error(b, err)
	require.NotErrorIs(b, err, stream.ErrUnknownOutcome)
	require.Zero(b, b.saved(b.in))
	tx = b.begin(s)
	b.put(tx, "next")
	require.NoError(b, tx.Commit(b.Context(), b.claim(m), checkpoint(5, "")))
	require.Equal(b, []string{"next"}, b.visible())
}

func TestTxSessionsBound(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s := b.sink(b.client, b.config("m", 2))
		first, second := b.begin(s), b.begin(s)
		ctx, cancel := context.WithTimeout(b.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Begin(ctx)
		require.ErrorIs(b, err, context.DeadlineExceeded)
		began := make(chan error, 1)
		go func() {
			third, err := s.Begin(b.Context())
			began <- errors.Join(err, third.Abort(b.Context()))
		}()
		require.NoError(b, first.Commit(b.Context(), nil, stream.Checkpoint{}))
		require.NoError(b, <-began)
		require.NoError(b, second.Abort(b.Context()))
	})
}

func TestTxClose(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s := b.sink(b.client, b.config("m", 2))
		waited, left := b.begin(s), b.begin(s)
		b.put(waited, "waited for")
		b.put(left, "left")
		ctx, cancel := context.WithCancel(b.Context())
		closed := make(chan error, 1)
		go func() { closed <- s.Close(ctx) }()
		<-s.shutting
		_, err := s.Begin(b.Context())
		require.ErrorIs(b, err, stream.ErrClosed)
		require.NoError(b, waited.Commit(b.Context(), nil, stream.Checkpoint{}))
		cancel()
		require.ErrorIs(b, <-closed, context.Canceled)
		require.ErrorIs(b, left.Commit(b.Context(), nil, stream.Checkpoint{}), stream.ErrClosed)
		refused := 0
		left.Append(b.Context(), []*stream.Record{{Stream: b.out}}, func(_ stream.Ack, err error) {
			require.ErrorIs(b, err, stream.ErrClosed)
			refused++
		})
		require.Equal(b, 1, refused)
		require.Equal(b, []string{"waited for"}, b.visible())
		b.settle()
	})
}

func TestTxForeignClaim(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
		foreign := b.claim(m)
		foreign.client = b.newClient()
		for _, c := range []stream.Claim{foreign, struct{ stream.Claim }{}} {
			tx := b.begin(s)
			b.put(tx, "a")
			require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(5, "")), stream.ErrUnsupported)
		}
		require.Empty(b, b.visible())
	})
}

// A txBackend is as much of a backend as a producer needs.
type txBackend struct {
	stream.Backend
	client *client
}

func (b txBackend) Capabilities(context.Context, string) (stream.Capabilities, error) {
	return stream.Capabilities{Transactions: stream.Flag{Support: stream.Native}}, nil
}

func (b txBackend) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	return b.client.OpenSink(ctx, c, noProbe{})
}

func TestTxTransact(t *testing.T) {
	onFakes(t, func(b *txBed, _ *kfake.Cluster) {
		p, err := stream.NewProducer(b.Context(), txBackend{client: b.client}, stream.ProducerConfig{
			Streams: []string{b.out}, Require: stream.Requirements{Transactions: stream.Native},
		})
		require.NoError(b, err)
		defer func() { require.NoError(b, p.Close(b.Context())) }()
		transact := func(value string, end func() error) error {
			return p.Transact(b.Context(), func(tx stream.Tx) error {
				rec := &stream.Record{Stream: b.out, Value: []byte(value)}
				return errors.Join(tx.Send(b.Context(), rec), end())
			})
		}
		planned := errors.New("planned")
		require.ErrorIs(b, transact("failed", func() error { return planned }), planned)
		require.PanicsWithValue(b, planned, func() { _ = transact("panicked", func() error { panic(planned) }) })
		require.NoError(b, transact("committed", func() error { return nil }))
		require.NoError(b, p.Send(b.Context(), &stream.Record{Stream: b.out, Value: []byte("outside")}))
		require.ElementsMatch(b, []string{"committed", "outside"}, b.visible())
	})
}
