package franz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A txSink is a sink with a pool of sessions, each a kgo.Client with a transactional id of its own and at most one open
// transaction.
//
// The ids are <prefix>-<member>-<slot>. A member that comes back under its name takes its ids over: what a crash left open
// is aborted when the sink is opened, and two live processes under one name fence each other. Under a random name nobody
// takes over: what a crash leaves open holds up read-committed readers of its partitions until Settings.TxTimeout is over.
//
// Append and Flush concern records outside of transactions, which go through a producer of their own.
//
// Sessions take turns. For some milliseconds after a commit brokers still write its markers and make a new transaction of
// the same id wait: one hold is faster with two sessions. What a transaction costs was measured by BenchmarkTx against the
// same batches of 1,000 records of 100 bytes, to topics of 3 partitions on one node, without one and with a checkpoint
// after each:
//
//	Apache Kafka               4.4.0 (TV2)      3.9.2 (TV1)
//	one hold, without          p50   7 ms       p50   8 ms
//	  one session              p50  33 ms       p50  21 ms
//	  two sessions             p50   8 ms       p50   9 ms
//	12 holds, without          355,000 a second  363,000 a second
//	  12 sessions              193,000 a second  123,000 a second
//	  24 sessions              134,000 a second  96,000 a second
//
// on two cores that held the broker too and had other work to do: the proportions are what to read.
//
// A transaction takes as long for one record as for a thousand: put many into one.
type txSink struct {
	stream.Sink
	client *client
	config stream.SinkConfig

	gate     *engine.Gate  // of the records of all transactions
	free     chan *session // capacity: all of them
	alive    context.Context
	kill     context.CancelCauseFunc // ends alive; its cause is what calls under way answer
	works    sync.WaitGroup          // background work: sessions that are made ready again
	shutting chan struct{}           // closed when Close begins
	closing  *engine.Ending

	mu     sync.Mutex // guards what follows
	closed bool
	open   map[*tx]struct{}
}

// newTxSink makes a sink for transactions. Nothing is dialled before the first one, but to abort what a predecessor left
// open in the other slots.
func (c *client) newTxSink(_ context.Context, config stream.SinkConfig, p engine.Probe) (stream.Sink, error) {
	plain, err := c.openSink(config, p, acknowledging(c.settings)...)
	if err != nil {
		return nil, placed("open sink", "", "", err)
	}
	open := func(options ...kgo.Opt) (*sink, error) { return c.openSink(config, p, options...) }
	n := max(config.Sessions, 1)
	s := &txSink{
		Sink: plain, client: c, config: config, free: make(chan *session, n), shutting: make(chan struct{}),
		gate: engine.NewGate(config.BufferedRecords, config.BufferedBytes), open: map[*tx]struct{}{}, closing: engine.NewEnding(),
	}
	s.alive, s.kill = context.WithCancelCause(context.Background())
	sessions := make([]*session, n)
	for slot := range n {
		sessions[slot] = &session{client: c, open: open, id: transactionalID(c.settings, config.Member, slot)}
	}
	s.free <- sessions[0] // its first transaction does what takeOver does
	for _, one := range sessions[1:] {
		s.works.Go(func() { s.takeOver(one) })
	}
	return s, nil
}

// transactionalID is stable for a slot of a member.
func transactionalID(settings engine.Settings, member string, slot int) string {
	return fmt.Sprintf("%s-%s-%d", settings.TxID, member, slot)
}

// takeOver aborts what a crashed predecessor left open in a slot that may not be used for long, and frees the slot.
func (s *txSink) takeOver(one *session) {
	ctx, cancel := context.WithTimeout(s.alive, s.client.txPatience())
	defer cancel()
	if err := one.fence(ctx); err != nil && s.alive.Err() == nil {
		s.config.Logger.Debug("a transactional id was not taken over yet; its first transaction does it",
			slog.String("id", one.id), slog.Any("error", err))
	}
	s.free <- one
}

// Begin waits for a free session until ctx ends, and opens a transaction.
func (s *txSink) Begin(ctx context.Context) (stream.SinkTx, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, &stream.Error{Op: "begin", Err: err}
	}
	return t, nil
}

func (s *txSink) begin(ctx context.Context) (*tx, error) {
	one, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.whileAlive(ctx)
	defer cancel()
	if err := one.begin(ctx); err != nil {
		s.free <- one
		return nil, settled(cause(ctx, err))
	}
	t := &tx{s: s, session: one, turn: make(chan struct{}, 1)}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.open[t] = struct{}{}
	}
	s.mu.Unlock()
	if closed {
		_ = t.abort(ctx) // nothing was sent
		return nil, stream.ErrClosed
	}
	return t, nil
}

// take waits for a free session.
func (s *txSink) take(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.shutting:
		return nil, stream.ErrClosed
	default:
	}
	select {
	case one := <-s.free:
		return one, nil
	case <-s.shutting:
		return nil, stream.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give frees a session after its transaction. One that is not fit for another is made ready in the background: what its
// transaction left open must not hold up readers until the next Begin.
func (s *txSink) give(t *tx) {
	one := t.session
	s.mu.Lock()
	delete(s.open, t)
	mend := one.broken && !s.closed
	if mend {
		s.works.Add(1)
	}
	s.mu.Unlock()
	if !mend {
		s.free <- one
		return
	}
	go func() {
		defer s.works.Done()
		ctx, cancel := context.WithTimeout(s.alive, s.client.txPatience())
		defer cancel()
		if err := one.renew(ctx); err != nil && s.alive.Err() == nil {
			s.config.Logger.Warn("a transactional session could not be made ready again yet; what it left open holds up "+
				"readers until the next transaction or its time-out", slog.String("id", one.id), slog.Any("error", err))
		}
		s.free <- one
	}()
}

// whileAlive ends a context also when Close stops waiting.
func (s *txSink) whileAlive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.alive, func() { cancel(context.Cause(s.alive)) })
	return ctx, func() { stop(); cancel(nil) }
}

// Close waits for open transactions until ctx ends and aborts the rest; each is ErrClosed then.
func (s *txSink) Close(ctx context.Context) error {
	return s.closing.Run(func() error { return s.shut(ctx) })
}

func (s *txSink) shut(ctx context.Context) error {
	close(s.shutting)
	defer s.gate.Shut()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	mine := s.collect(ctx, nil)
	s.kill(stream.ErrClosed)
	s.mu.Lock()
	rest := make([]*tx, 0, len(s.open))
	for t := range s.open {
		rest = append(rest, t)
	}
	s.mu.Unlock()
	var aborts sync.WaitGroup
	for _, t := range rest {
		aborts.Go(t.end)
	}
	aborts.Wait()
	mine = s.collect(context.Background(), mine) // all are on their way: transactions and background work have ended
	s.works.Wait()
	for _, one := range mine {
		one.discard()
	}
	return errors.Join(ctx.Err(), s.Sink.Close(ctx))
}

// collect takes every session that becomes free until ctx ends.
func (s *txSink) collect(ctx context.Context, have []*session) []*session {
	for len(have) < cap(s.free) {
		select {
		case one := <-s.free:
			have = append(have, one)
			continue
		default:
		}
		select {
		case one := <-s.free:
			have = append(have, one)
		case <-ctx.Done():
			return have
		}
	}
	return have
}

// txPatience is how long anything may take that nobody's context bounds: the end of a transaction, or making a session
// ready again. A broker that dies is given up after ProduceTimeout and RequestOverhead; another takes its place by then.
func (c *client) txPatience() time.Duration {
	return 2 * (c.settings.ProduceTimeout + c.settings.RequestOverhead)
}
