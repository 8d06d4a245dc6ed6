package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Producer appends records to streams. A producer never writes to a record, and reads it until it is answered: until
// then it must not be changed.
//
// Methods may be called from many goroutines. Rules:
//   - SendAll: Send returns nil when all records are stored, else Failures: one entry for each record that is not stored or
//     not known to be. A record that can never be stored (nil, no stream, a stream not listed) makes Send refuse them all
//     before anything is sent.
//   - SendEnds: Send returns when ctx ends. Records unanswered by then are ErrUnknownOutcome and must never be changed.
//   - AsyncOnce: done runs exactly once, perhaps before SendAsync returns, on any goroutine. It must not block, nor call
//     Send, SendAsync, Flush or Close. Ctx bounds the wait for buffer space only.
//   - AsyncSticky: with a nil done, a failure sticks: every later Flush and Close returns it, as in bufio.Writer.
//   - FlushAll: Flush returns when every record accepted before it is answered.
//   - Listed: if ProducerConfig.Streams is set, records to other streams are ErrUnsupported.
//   - TransactOnce: Transact runs f once, commits if it returns nil, and aborts if it returns an error or panics; a panic
//     goes on to the caller. It does not nest. A producer not opened with Requirements.Transactions is ErrUnsupported.
//   - TransactNothing: after an error nothing of the transaction is visible, except after ErrUnknownOutcome. The hold does
//     not rewind: call Transact again with the same records, or return; after ErrUnknownOutcome, return.
//   - ProducerWithdrawn: when a required capability goes away while the producer is open, every later call fails with
//     ErrUnsupported, naming it.
//   - ProducerClose: Close flushes and returns what Flush would; when ctx ends, or DeliveryTimeout and a second have
//     passed, what is left fails. Afterwards everything is ErrClosed. Every Close returns what the first returned.
type Producer interface {
	Send(ctx context.Context, recs ...*Record) error
	SendAsync(ctx context.Context, rec *Record, done func(Ack, error))
	Flush(ctx context.Context) error
	Transact(ctx context.Context, f func(Tx) error) error
	Close(ctx context.Context) error
}

// ProducerConfig configures NewProducer. The zero value works.
type ProducerConfig struct {
	Streams         []string      // what may be sent to; empty: any stream; needed with Require
	Require         Requirements  // what every one of Streams must give; Transactions opens the producer for Transact
	Member          string        // names this producer, stable over restarts where transactions are used; default random
	Sessions        int           // transactions open at a time; default 4
	DeliveryTimeout time.Duration // how long a record may take from SendAsync to its answer; default 30 s
	BufferedRecords int           // records accepted and not answered, at most; default 10,000
	BufferedBytes   int64         // their bytes, at most; default 64 MiB
	Observe         func(Event)   // told of events; must be fast, may be called from many goroutines
	Logger          *slog.Logger  // default: none
}

// NewProducer opens a producer on b. Every requirement that a stream does not meet is listed in one error that Is
// ErrUnsupported; errors.As with Gaps tells them apart.
func NewProducer(ctx context.Context, b Backend, c ProducerConfig) (Producer, error) {
	if err := c.check(ctx, b); err != nil {
		return nil, &Error{Op: "open producer", Err: err}
	}
	c.setDefaults()
	o := newObserver("", c.Member, c.Observe, c.Logger)
	have, err := probe(ctx, b, c.Streams, c.Require)
	if err != nil {
		return nil, wrap("open producer", "", "", err)
	}
	sink, err := b.OpenSink(ctx, c.sink(o))
	if err != nil {
		return nil, wrap("open producer", "", "", err)
	}
	p := &producer{backend: b, config: c, sink: sink, closed: make(chan struct{})}
	p.keep = p.stick
	if err := p.checkTransactions(have); err != nil {
		return nil, &Error{Op: "open producer", Err: errors.Join(err, sink.Close(ctx))}
	}
	if c.Require != (Requirements{}) {
		p.watch = startWatch(b, c.Streams, c.Require, have, o, p.refuse)
	}
	return p, nil
}

// producer is the one Producer; what differs between backends is in the sink.
type producer struct {
	backend Backend
	config  ProducerConfig
	sink    Sink
	keep    func(Ack, error) // stick as a value, made once
	watch   *capabilityWatch // nil if nothing is required

	refused atomic.Pointer[error] // why nothing is taken any more
	closed  chan struct{}         // closed when result is set
	singles sync.Pool             // of *single

	mu      sync.Mutex // guards what follows
	sticky  error      // the first failure of a record without done
	closing bool
	result  error
}

func (p *producer) Send(ctx context.Context, recs ...*Record) error {
	if len(recs) == 0 {
		return nil
	}
	if err := p.acceptAll(ctx, recs); err != nil {
		return err
	}
	s := newSending(recs)
	p.sink.Append(ctx, recs, s.done)
	return s.wait(ctx)
}

// A single is the slice that SendAsync passes to the sink, which does not keep it.
type single [1]*Record

func (p *producer) SendAsync(ctx context.Context, rec *Record, done func(Ack, error)) {
	if done == nil {
		done = p.keep
	}
	if err := p.accept(ctx, rec); err != nil {
		done(Ack{Record: rec}, wrap("send", streamOf(rec), "", err))
		return
	}
	one, ok := p.singles.Get().(*single)
	if !ok {
		one = new(single)
	}
	one[0] = rec
	p.sink.Append(ctx, one[:], done)
	one[0] = nil
	p.singles.Put(one)
}

func (p *producer) Flush(ctx context.Context) error {
	if ctx == nil {
		return &Error{Op: "flush", Err: errNilContext}
	}
	if err := p.refusal(); err != nil {
		return errors.Join(p.stuck(), &Error{Op: "flush", Err: err})
	}
	err := p.sink.Flush(ctx)
	return errors.Join(p.stuck(), wrap("flush", "", "", err))
}

func (p *producer) Close(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	p.mu.Lock()
	first := !p.closing
	p.closing = true
	p.mu.Unlock()
	if !first {
		select {
		case <-p.closed:
			return p.result
		case <-ctx.Done():
			return &Error{Op: "close producer", Err: ctx.Err()}
		}
	}
	p.refuse(ErrClosed)
	if p.watch != nil {
		p.watch.stop()
	}
	bounded, cancel := context.WithTimeout(ctx, p.config.DeliveryTimeout+time.Second)
	defer cancel()
	err := p.sink.Close(bounded)
	p.result = errors.Join(p.stuck(), wrap("close producer", "", "", err))
	close(p.closed)
	return p.result
}

// accept refuses what no sink need see.
func (p *producer) accept(ctx context.Context, rec *Record) error {
	if err := p.ready(ctx); err != nil {
		return err
	}
	return p.check(rec)
}

// ready says why nothing is taken now, or nil.
func (p *producer) ready(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if err := p.refusal(); err != nil {
		return err
	}
	return ctx.Err()
}

// check refuses a record that no sink need see.
func (p *producer) check(rec *Record) error {
	if err := rec.check(); err != nil {
		return err
	}
	if len(p.config.Streams) > 0 && !slices.Contains(p.config.Streams, rec.Stream) {
		return unsupported("the producer was not opened for this stream; add it to ProducerConfig.Streams")
	}
	return nil
}

// acceptAll accepts all or none.
func (p *producer) acceptAll(ctx context.Context, recs []*Record) error {
	bad := 0
	if p.ready(ctx) == nil {
		for bad < len(recs) && p.check(recs[bad]) == nil {
			bad++
		}
		if bad == len(recs) {
			return nil
		}
	}
	failures := make(Failures, len(recs))
	for i, rec := range recs {
		err := p.accept(ctx, rec)
		if err == nil {
			err = fmt.Errorf("%w: not sent, since record %d of the same call was refused", ErrInvalid, bad)
		}
		failures[i] = failure{Record: rec, Err: wrap("send", streamOf(rec), "", err)}
	}
	return failures
}

func (p *producer) refuse(err error) { p.refused.Store(&err) }

func (p *producer) refusal() error {
	if err := p.refused.Load(); err != nil {
		return *err
	}
	return nil
}

// stick is the done of a caller who gave none.
func (p *producer) stick(_ Ack, err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sticky == nil {
		p.sticky = err
	}
}

func (p *producer) stuck() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sticky
}

// checkTransactions lowers the capability where the sink turned out to be none that has transactions.
func (p *producer) checkTransactions(have []streamCapabilities) error {
	if _, ok := p.sink.(TxSink); ok || p.config.Require.Transactions <= None {
		return nil
	}
	for i := range have {
		have[i].capabilities.Transactions = Flag{Support: None, Source: Discovered, Reason: "the sink was opened without them"}
	}
	return missingAll(have, p.config.Require)
}

func (c *ProducerConfig) check(ctx context.Context, b Backend) error {
	var errs []error
	if ctx == nil {
		errs = append(errs, errNilContext)
	}
	if b == nil {
		errs = append(errs, fmt.Errorf("%w: the backend is nil", ErrInvalid))
	}
	if c.Require != (Requirements{}) && len(c.Streams) == 0 {
		errs = append(errs, fmt.Errorf("%w: Require needs Streams: capabilities differ by stream", ErrInvalid))
	}
	if slices.Contains(c.Streams, "") {
		errs = append(errs, fmt.Errorf("%w: Streams has an empty name", ErrInvalid))
	}
	for name, value := range map[string]int64{
		"Sessions": int64(c.Sessions), "DeliveryTimeout": int64(c.DeliveryTimeout),
		"BufferedRecords": int64(c.BufferedRecords), "BufferedBytes": c.BufferedBytes,
	} {
		if value < 0 {
			errs = append(errs, fmt.Errorf("%w: %s is negative", ErrInvalid, name))
		}
	}
	return errors.Join(errs...)
}

func (c *ProducerConfig) setDefaults() {
	if c.Member == "" {
		c.Member = randomMember()
	}
	if c.Sessions == 0 {
		c.Sessions = 4
	}
	if c.DeliveryTimeout == 0 {
		c.DeliveryTimeout = 30 * time.Second
	}
	if c.BufferedRecords == 0 {
		c.BufferedRecords = 10_000
	}
	if c.BufferedBytes == 0 {
		c.BufferedBytes = 64 << 20
	}
}

func (c *ProducerConfig) sink(o *observer) SinkConfig {
	return SinkConfig{
		Streams: c.Streams, Member: c.Member, Transactions: c.Require.Transactions > None, Sessions: c.Sessions,
		DeliveryTimeout: c.DeliveryTimeout, BufferedRecords: c.BufferedRecords, BufferedBytes: c.BufferedBytes,
		Observe: o.tell, Observed: c.Observe != nil, Logger: o.logger,
	}
}

var errNilContext = fmt.Errorf("%w: the context is nil", ErrInvalid)

// randomMember is a name that no other member has.
func randomMember() string { return "member-" + rand.Text()[:16] }

func streamOf(rec *Record) string {
	if rec == nil {
		return ""
	}
	return rec.Stream
}
