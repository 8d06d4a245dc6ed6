package kafkago

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// errDelivery is the cause when a record was not answered in time.
var errDelivery = fmt.Errorf("the delivery timeout is over: %w", context.DeadlineExceeded)

// errShut is why records fail that Close could not wait for.
var errShut = fmt.Errorf("%w while the record was on its way", stream.ErrClosed)

// errPattern refuses a topic's name that means many topics where records are read.
var errPattern = fmt.Errorf("%w: a regular expression names no topic to append to", stream.ErrInvalid)

// chunk is how many records of one call wait for space together.
const chunk = 128

// A sink appends records by connections of its own.
//
// Append encodes each record into the open batch of its partition. The pump sends batches, one of a partition at a
// time, and the scout tells it where partitions are. A batch that fails takes with it all that waits behind it, so that
// there is never a gap.
type sink struct {
	settings engine.Settings
	config   stream.SinkConfig
	probe    engine.Probe
	lines    *lines
	codec    codec
	gate     *engine.Gate
	buffers  buffers
	clock    engine.Clock
	pump     *pump
	scout    *scout
	last     atomic.Pointer[topic] // of the record before: most likely the next one's
	running  context.Context       // ends with errShut when Close no longer waits
	stop     context.CancelCauseFunc
	wg       sync.WaitGroup // everything that the sink has started, but for the scout
	closing  *engine.Ending
	rushing  atomic.Int32 // Flush and Close wait: nothing lingers
	stalled  func()       // unlinger as a value, if there is something to wait for

	mu     sync.Mutex // guards what follows
	topics map[string]*topic
	closed bool
}

// OpenSink opens a producer with connections of its own.
func (c *client) OpenSink(_ context.Context, config stream.SinkConfig, p engine.Probe) (stream.Sink, error) {
	for _, topic := range config.Streams {
		if strings.HasPrefix(topic, "^") {
			return nil, placed("open sink", topic, "", errPattern)
		}
	}
	if config.Transactions {
		return nil, placed("open sink", "", "", fmt.Errorf("%w: %s", stream.ErrUnsupported, abilities().Transactions))
	}
	s, err := newSink(c.settings, config, p)
	if err != nil {
		return nil, placed("open sink", "", "", err)
	}
	s.wg.Go(s.pump.run)
	go s.scout.run()
	return s, nil
}

func newSink(settings engine.Settings, config stream.SinkConfig, p engine.Probe) (*sink, error) {
	s := &sink{
		settings: settings, config: config, probe: p, topics: map[string]*topic{},
		gate: engine.NewGate(config.BufferedRecords, config.BufferedBytes), closing: engine.NewEnding(),
	}
	var err error
	if len(settings.Compression) > 0 {
		if s.codec, err = newCodec(settings.Compression[0], settings.CompressLevel); err != nil {
			return nil, err
		}
	}
	if s.lines, err = newLines(settings, config.Member); err != nil {
		return nil, err
	}
	if settings.Linger > 0 {
		s.stalled = s.unlinger
	}
	s.running, s.stop = context.WithCancelCause(context.Background())
	s.pump, s.scout = newPump(s), newScout(s)
	return s, nil
}

// Append puts the records into their partitions' batches, or answers why not.
func (s *sink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if len(recs) == 1 {
		var one [1]arrival
		var size [1]int64
		s.append(ctx, recs, one[:], size[:], done)
		return
	}
	var arrivals [chunk]arrival
	var sizes [chunk]int64
	for part := range slices.Chunk(recs, chunk) {
		s.append(ctx, part, arrivals[:], sizes[:], done)
	}
}

func (s *sink) append(
	ctx context.Context, recs []*stream.Record, arrivals []arrival, sizes []int64, done func(stream.Ack, error),
) {
	now := s.clock.Now()
	ready := 0
	for _, r := range recs {
		a := &arrivals[ready]
		if err := s.admit(r, a, now); err != nil {
			done(stream.Ack{Record: r}, placed("append", topicOf(r), "", err))
			continue
		}
		a.from, a.done, sizes[ready] = r, done, a.size
		ready++
	}
	for first := 0; first < ready; {
		n, err := s.enter(ctx, sizes[first:ready], &now)
		if err != nil {
			for i := range arrivals[first:ready] {
				arrivals[first+i].refuse(err)
			}
			return
		}
		for i := range arrivals[first : first+n] {
			a := &arrivals[first+i]
			a.at = now
			a.topic.take(a)
		}
		s.pump.nudge()
		first += n
	}
}

// know returns the topic of a name, if there can be such a topic.
func (s *sink) know(name string) (*topic, error) {
	if t := s.last.Load(); t != nil && t.name == name {
		return t, nil
	}
	s.mu.Lock()
	t, closed := s.topics[name], s.closed
	s.mu.Unlock()
	if t == nil {
		if err := engine.CheckName(name); err != nil {
			return nil, err
		}
		if closed {
			return nil, stream.ErrClosed
		}
		t = s.learn(name)
	}
	s.last.Store(t)
	return t, nil
}

// learn adds a topic.
func (s *sink) learn(name string) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		t = newTopic(s, name)
		t.shut = s.closed
		s.topics[name] = t
	}
	return t
}

// every returns the topics.
func (s *sink) every() []*topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*topic, 0, len(s.topics))
	for _, t := range s.topics {
		all = append(all, t)
	}
	return all
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

// unlinger has the pump send at once what lingers.
func (s *sink) unlinger() { s.pump.hurry() }

// Flush waits for every record that was accepted before it.
func (s *sink) Flush(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return placed("flush", "", "", stream.ErrClosed)
	}
	if err := s.drain(ctx); err != nil {
		return placed("flush", "", "", err)
	}
	return nil
}

// drain waits for what there is, and keeps it from lingering meanwhile.
func (s *sink) drain(ctx context.Context) error {
	s.rushing.Add(1)
	defer s.rushing.Add(-1)
	s.pump.hurry()
	topics := s.every()
	for _, t := range topics {
		if err := await(ctx, t.settling()); err != nil {
			return err
		}
	}
	for _, t := range topics {
		for _, l := range t.all() {
			if err := await(ctx, l.draining()); err != nil {
				return err
			}
		}
	}
	return nil
}

// await waits until over is closed; nil is.
func await(ctx context.Context, over <-chan struct{}) error {
	if over == nil {
		return nil
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits for every record, and fails the rest when ctx ends.
func (s *sink) Close(ctx context.Context) error {
	return s.closing.Run(func() (err error) {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		for _, t := range s.every() {
			t.close()
		}
		s.gate.Shut()
		if wrong := s.drain(ctx); wrong != nil {
			err = placed("close", "", "", wrong)
		}
		s.stop(errShut)
		<-s.scout.over
		s.pump.end()
		s.wg.Wait()
		s.lines.close()
		return err
	})
}

func topicOf(r *stream.Record) string {
	if r == nil {
		return ""
	}
	return r.Stream
}

// placed adds the place to err, unless it is there.
func placed(op, topic, partition string, err error) error {
	var have *stream.Error
	if errors.As(err, &have) {
		return err
	}
	return &stream.Error{Op: op, Stream: topic, Partition: partition, Err: err}
}
