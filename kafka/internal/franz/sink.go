package franz

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// errDelivery is the cause when a record was not answered in time.
var errDelivery = fmt.Errorf("the delivery timeout is over: %w", context.DeadlineExceeded)

// errShut is why records fail that Close could not wait for.
var errShut = fmt.Errorf("%w while the record was on its way", stream.ErrClosed)

// chunk is how many records of one call are taken at a time: as many flights share a slab.
const chunk = 128

// A sink appends records by a kgo.Client of its own.
//
// A record that fails takes with it all that franz-go has buffered for its partition, so that there is never a gap. The
// delivery timeout is the end of the flights' context: franz-go ends a batch when its first record's context has ended.
type sink struct {
	settings engine.Settings
	config   stream.SinkConfig
	probe    engine.Probe
	native   *kgo.Client
	gate     *engine.Gate
	promise  func(*kgo.Record, error) // answer as a value, made once
	stalled  func()                   // unlinger as a value, if there is something to wait for
	answers  answers                  // of franz-go's goroutine for promises
	losses   losses
	clock    engine.Clock
	numbers  atomic.Uint64 // of records, in the order of Append
	current  atomic.Pointer[term]
	last     atomic.Pointer[known] // of the record before: most likely the next one's
	ended    context.Context       // has ended
	slabs    sync.Pool             // of *slab

	grace   time.Duration  // after the delivery timeout; 0: nothing is watched
	watches sync.WaitGroup // of terms
	closing *engine.Ending

	mu     sync.Mutex // guards what follows
	terms  []*term    // that may not be drained, the current one last
	closed bool
}

// OpenSink opens a producer with connections of its own.
func (c *client) OpenSink(ctx context.Context, config stream.SinkConfig, p engine.Probe) (stream.Sink, error) {
	for _, topic := range config.Streams {
		if strings.HasPrefix(topic, "^") {
			return nil, placed("open sink", topic, "", errPattern)
		}
	}
	if config.Transactions {
		return c.newTxSink(ctx, config, p)
	}
	s, err := c.openSink(config, p, acknowledging(c.settings)...)
	if err != nil {
		return nil, placed("open sink", "", "", err)
	}
	return s, nil
}

// openSink makes a sink and the kgo.Client that it owns.
func (c *client) openSink(config stream.SinkConfig, p engine.Probe, more ...kgo.Opt) (*sink, error) {
	options, err := common(c.settings, config.Member)
	if err != nil {
		return nil, err
	}
	s := newSink(c.settings, config, p)
	shape, err := producing(c.settings, p)
	if err != nil {
		return nil, err
	}
	options = append(append(options, shape...), kgo.WithHooks(s.hooks()...), kgo.RetryBackoffFn(s.backoff),
		kgo.ProducerOnDataLossDetected(s.lost), kgo.WithLogger(listener{s, c.settings.Logger}))
	options = append(options, more...) // a transaction's outcome is one for all records: its own pauses doubt none
	if s.native, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	}
	if !transactional(s.native) {
		s.grace = grace(c.settings)
	}
	return s, nil
}

// errPattern refuses a topic's name that means many topics where records are read.
var errPattern = fmt.Errorf("%w: a regular expression names no topic to append to", stream.ErrInvalid)

func newSink(settings engine.Settings, config stream.SinkConfig, p engine.Probe) *sink {
	s := &sink{
		settings: settings, config: config, probe: p,
		gate:    engine.NewGate(config.BufferedRecords, config.BufferedBytes),
		closing: engine.NewEnding(),
	}
	s.answers = answers{sink: s, lanes: map[string][]lane{}}
	s.promise = s.answers.take
	if settings.Linger > 0 {
		s.stalled = s.unlinger
	}
	var cancel context.CancelFunc
	s.ended, cancel = context.WithCancel(context.Background())
	cancel()
	s.losses = losses{ended: s.ended.Done(), until: map[spot]uint64{}}
	return s
}

// Append hands the records to franz-go, or answers why not.
func (s *sink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if len(recs) == 1 {
		var size [1]int64
		s.append(ctx, recs, size[:], s.one(), done)
		return
	}
	var sizes [chunk]int64
	for part := range slices.Chunk(recs, chunk) {
		s.append(ctx, part, sizes[:], make([]flight, len(part)), done)
	}
}

func (s *sink) append(
	ctx context.Context, recs []*stream.Record, sizes []int64, flights []flight, done func(stream.Ack, error),
) {
	now := s.clock.Now()
	var space []kgo.RecordHeader
	if n := countHeaders(recs); n > 0 {
		space = make([]kgo.RecordHeader, n)
	}
	ready := 0
	for _, r := range recs {
		f := &flights[ready]
		size, err := s.admit(r, f, now)
		if err != nil {
			done(stream.Ack{Record: r}, placed("append", topicOf(r), "", err))
			continue
		}
		f.native.Headers, space = cutHeaders(r, space)
		f.fill(r, now)
		f.done, f.size, sizes[ready] = done, size, size
		ready++
	}
	for first := 0; first < ready; {
		n, err := s.enter(ctx, sizes[first:ready], &now)
		if err != nil {
			refuse(flights[first:ready], err)
			return
		}
		s.produce(flights[first:first+n], now)
		first += n
	}
}

// A slab is flights for records that come singly. Allocated one by one they would cost more than all else here. They are
// used once: franz-go may keep one as a request's context after its record is answered.
type slab struct {
	flights [32]flight
	next    int
}

// one returns the next flight of a slab, which is nobody else's meanwhile.
func (s *sink) one() []flight {
	b, ok := s.slabs.Get().(*slab)
	if !ok {
		b = new(slab)
	}
	f := b.flights[b.next:][:1]
	if b.next++; b.next < len(b.flights) {
		s.slabs.Put(b)
	}
	return f
}

// admit checks what brokers would refuse, notes the partition that the record asks for, and counts its size.
func (s *sink) admit(r *stream.Record, f *flight, now time.Time) (int64, error) {
	if r == nil {
		return 0, fmt.Errorf("%w: the record is nil", stream.ErrInvalid)
	}
	if len(s.config.Streams) > 0 && !slices.Contains(s.config.Streams, r.Stream) {
		return 0, fmt.Errorf("%w: the producer was not opened for this stream", stream.ErrUnsupported)
	}
	if r.Stream != "" && r.Stream[0] == '^' {
		return 0, errPattern
	}
	if r.Time.Unix() >= endOfTime {
		return 0, fmt.Errorf("%w: the record's time is after April 2262, and franz-go would write another one", stream.ErrInvalid)
	}
	f.place = -1
	if s.settings.PlaceByRecord && r.Partition != "" {
		number, err := strconv.ParseInt(r.Partition, 10, 32)
		if err != nil || number < 0 {
			return 0, fmt.Errorf("%w: Partition is no number", stream.ErrInvalid)
		}
		f.place = int32(number)
	}
	topic := s.know(r.Stream, now)
	if topic.err != nil {
		return 0, topic.err
	}
	size := engine.BatchSize(r)
	if size > topic.bytes {
		return 0, fmt.Errorf("%w: the record needs a batch of %d bytes, %d are allowed", stream.ErrTooLarge, size, topic.bytes)
	}
	return size, nil
}

// endOfTime is the second in which nanoseconds since 1970, which franz-go counts, overflow. What other clients wrote with
// later times is read as it is.
const endOfTime = math.MaxInt64 / int64(time.Second)

// A known is the limit of a topic.
type known struct {
	topic string
	err   error // the name can be no topic's
	bytes int64
	until time.Time
}

// limitAge is how long the limit of the topic of the last record is kept: the probe is asked less than once a record.
const limitAge = 100 * time.Millisecond

// know tells batchLimit, and whether there can be such a topic.
func (s *sink) know(topic string, now time.Time) *known {
	if k := s.last.Load(); k != nil && k.topic == topic && now.Before(k.until) {
		return k
	}
	k := &known{topic: topic, err: engine.CheckName(topic), until: now.Add(limitAge)}
	if k.err == nil {
		k.bytes = batchLimit(s.settings, s.probe, topic)
	}
	s.last.Store(k)
	return k
}

// enter waits for space, and sets now if it did. A context that has ended finds none.
func (s *sink) enter(ctx context.Context, sizes []int64, now *time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n := s.gate.TryEnter(sizes...); n > 0 {
		return n, nil
	}
	n, err := s.gate.Enter(ctx, sizes, s.stalled)
	*now = time.Now()
	return n, err
}

// produce hands over what has its space.
func (s *sink) produce(flights []flight, now time.Time) {
	t := s.join(int64(len(flights)), now)
	if t == nil {
		for i := range flights {
			s.gate.Leave(flights[i].size)
		}
		refuse(flights, stream.ErrClosed)
		return
	}
	number := s.numbers.Add(uint64(len(flights))) - uint64(len(flights))
	for i := range flights {
		f := &flights[i]
		number++
		f.term, f.number = t, number
		s.native.Produce(f, &f.native, s.promise)
	}
}

// join counts records into the current term, and begins a new one when that is over. It returns nil after Close.
func (s *sink) join(n int64, now time.Time) *term {
	for {
		if t := s.current.Load(); t != nil && now.Before(t.until) && t.join(n) {
			return t
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil
		}
		if t := s.current.Load(); t == nil || !now.Before(t.until) || t.sealed.Load() {
			s.seal()
			fresh := newTerm(s, now)
			s.terms = append(s.terms, fresh)
			s.current.Store(fresh)
		}
		s.mu.Unlock()
	}
}

// seal ends the current term, so that it drains, and forgets those that are drained. The caller holds the lock.
func (s *sink) seal() {
	if t := s.current.Swap(nil); t != nil {
		t.seal()
	}
	s.terms = slices.DeleteFunc(s.terms, func(t *term) bool { return t.over.Load() })
}

// sealed ends the current term and returns those that are not drained.
func (s *sink) sealed() []*term {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seal()
	return slices.Clone(s.terms)
}

// Flush waits for every record that was accepted before it.
func (s *sink) Flush(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return placed("flush", "", "", stream.ErrClosed)
	}
	if err := s.drain(ctx, s.sealed()); err != nil {
		return placed("flush", "", "", err)
	}
	return nil
}

// drain waits until the terms are drained, and keeps franz-go from lingering meanwhile.
func (s *sink) drain(ctx context.Context, terms []*term) error {
	if s.settings.Linger > 0 {
		hurry, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.native.Flush(hurry) }) // its error is the end of hurry
		defer wg.Wait()
		defer cancel()
	}
	for _, t := range terms {
		select {
		case <-t.drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// unlinger has franz-go send at once what it has. A Flush whose context has ended does only that.
func (s *sink) unlinger() { _ = s.native.Flush(s.ended) }

// Close waits for every record, and fails the rest when ctx ends.
func (s *sink) Close(ctx context.Context) error {
	return s.closing.Run(func() (err error) {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.gate.Shut()
		terms := s.sealed()
		if wrong := s.drain(ctx, terms); wrong != nil {
			err = placed("close", "", "", wrong)
		}
		s.native.Close() // fails what it still has with ErrClientClosed
		for _, t := range terms {
			<-t.drained
		}
		s.watches.Wait()
		return err
	})
}

func refuse(flights []flight, err error) {
	for i := range flights {
		f := &flights[i]
		f.done(stream.Ack{Record: f.from}, placed("append", f.from.Stream, "", err))
	}
}

func topicOf(r *stream.Record) string {
	if r == nil {
		return ""
	}
	return r.Stream
}

// placed adds the place to err, unless it is there or err is the end of a context and nothing else.
func placed(op, topic, partition string, err error) error {
	var have *stream.Error
	if errors.As(err, &have) {
		return err
	}
	return &stream.Error{Op: op, Stream: topic, Partition: partition, Err: err}
}
