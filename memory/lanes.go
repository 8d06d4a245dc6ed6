package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Lanes are where a sink's records go when the service can refuse them, or lose its answers: one lane for each key, in
// which one record at a time is tried until it is stored or its time is over. Lanes of different keys do not wait for
// each other.
type lanes struct {
	s *sink

	mu      sync.Mutex // guards what follows
	byKey   map[laneKey]*lane
	serial  uint64 // keeps records without order apart
	records int    // accepted and not done
	bytes   int64
	ages    []int         // how many records of each age are not done, the oldest age first; Flush begins an age
	oldest  int           // the age of ages[0]
	changed chan struct{} // closed and replaced when a record is done and somebody waits for that
	watched bool          // somebody does
	ended   error         // not nil: nothing is tried any more
}

type laneKey struct {
	topic  *topic
	key    string
	serial uint64 // not 0: a record without order
}

// A lane is the records of one key that are accepted and not done.
type lane struct {
	key   laneKey
	queue []*entry
	retry *timer // not nil while the first record waits to be tried again
}

// An entry is one record in a lane.
type entry struct {
	topic    *topic
	rec      *stream.Record
	done     func(stream.Ack, error)
	size     int64
	age      int
	deadline int64 // Unix nanoseconds
	tries    int
	unknown  bool       // a try was stored and its answer lost
	part     *partition // not nil: a try was stored
	number   uint64
	cause    error
}

func newLanes(s *sink) *lanes {
	return &lanes{s: s, byKey: map[laneKey]*lane{}, ages: []int{0}, changed: make(chan struct{})}
}

// append accepts records and tries each, if nothing of its key is before it.
func (l *lanes) append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	l.s.b.faults.pace(OpAppend, Where{Member: l.s.config.Member}, l.s.id)
	for _, r := range recs {
		t, err := l.s.admit(r)
		if err == nil {
			err = l.wait(ctx, payload(r))
		}
		if err != nil {
			done(stream.Ack{Record: r}, err)
			continue
		}
		if ln := l.queue(&entry{topic: t, rec: r, done: done, size: payload(r), deadline: l.s.deadline()}); ln != nil {
			l.pump(ctx, ln)
		}
	}
}

func (s *sink) deadline() int64 {
	if s.config.DeliveryTimeout <= 0 {
		return 1<<63 - 1
	}
	return s.b.clock.nanos() + int64(s.config.DeliveryTimeout)
}

// wait waits for buffer space and takes it. A record that is larger than the whole buffer goes alone.
func (l *lanes) wait(ctx context.Context, size int64) error {
	most, bytes := l.s.config.BufferedRecords, l.s.config.BufferedBytes
	for {
		l.mu.Lock()
		full := (most > 0 && l.records >= most) || (bytes > 0 && l.bytes+size > bytes)
		if !full || l.records == 0 || l.ended != nil {
			l.records++
			l.bytes += size
			l.mu.Unlock()
			return nil
		}
		l.watched = true
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// queue puts an entry at the end of its lane, and returns the lane if nobody works on it yet.
func (l *lanes) queue(e *entry) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.age = l.oldest + len(l.ages) - 1
	l.ages[len(l.ages)-1]++
	key := laneKey{topic: e.topic, key: string(e.rec.Key)}
	if e.rec.Key == nil || e.topic.auto.Load() || !e.topic.traits.keyOrder {
		l.serial++
		key = laneKey{topic: e.topic, serial: l.serial}
	}
	ln := l.byKey[key]
	if ln != nil {
		ln.queue = append(ln.queue, e)
		return nil
	}
	ln = &lane{key: key, queue: []*entry{e}}
	l.byKey[key] = ln
	return ln
}

// pump tries the records of a lane one after the other. It ends when the lane is empty, or leaves the rest to a timer.
func (l *lanes) pump(ctx context.Context, ln *lane) {
	for {
		e, ended := l.first(ln)
		if e == nil {
			return
		}
		if ended != nil {
			l.fail(ln, ended)
			return
		}
		fate := l.s.try(ctx, e)
		switch {
		case fate.wait == 0 && fate.err == nil:
			l.pop(ln)
			l.finish(e, nil)
		case fate.wait == 0:
			e.cause = fate.err
			l.fail(ln, nil)
			return
		default:
			if l.later(ln, e, fate) {
				return
			}
			l.fail(ln, nil)
			return
		}
	}
}

// first returns the lane's first record, and forgets the lane if there is none.
func (l *lanes) first(ln *lane) (*entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln.retry = nil
	if len(ln.queue) == 0 {
		delete(l.byKey, ln.key)
		return nil, nil
	}
	return ln.queue[0], l.ended
}

func (l *lanes) pop(ln *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln.queue[0] = nil
	ln.queue = ln.queue[1:]
}

// later leaves the first record to a timer, and reports false if its time is over before. A record that is stored, and
// of which only the answer is late, waits for that.
func (l *lanes) later(ln *lane, e *entry, fate fate) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return false
	}
	now, wait := l.s.b.clock.nanos(), fate.wait
	if left := time.Duration(e.deadline - now); left < wait {
		wait = max(left, 0)
		e.cause = fate.err
	}
	ln.retry = l.s.b.clock.after(wait, func() {
		switch {
		case fate.stored:
			l.pop(ln)
			l.finish(e, nil)
		case l.s.b.clock.nanos() >= e.deadline:
			l.fail(ln, nil)
			return
		}
		l.pump(context.Background(), ln)
	})
	return true
}

// fail fails the first record of a lane, and with it all of its key that were accepted before its done returned. Ended,
// if not nil, is why nothing is tried any more.
func (l *lanes) fail(ln *lane, ended error) {
	var cause error
	for {
		e, _ := l.first(ln)
		if e == nil {
			return
		}
		l.pop(ln)
		if cause == nil {
			cause = e.reason(ended)
			l.finish(e, cause)
			continue
		}
		err := fmt.Errorf("a record of the same key before it failed: %w", notStored(cause))
		if e.part != nil {
			err = fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, err)
		}
		l.finish(e, err)
	}
}

// notStored is the cause of failure for records that were never tried: they are not stored, whatever is known of the
// one before.
func notStored(cause error) error {
	if errors.Is(cause, stream.ErrUnknownOutcome) {
		return errors.New("its outcome is unknown")
	}
	return cause
}

// reason is why a record fails.
func (e *entry) reason(ended error) error {
	err := ended
	if err == nil {
		err = e.cause
	}
	if err == nil {
		err = context.DeadlineExceeded
	}
	if e.part != nil && !errors.Is(err, stream.ErrUnknownOutcome) {
		err = fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, err)
	}
	return fault("append", e.topic.name, "", err)
}

// finish answers a record.
func (l *lanes) finish(e *entry, err error) {
	ack := stream.Ack{Record: e.rec}
	if err == nil {
		ack.Partition, ack.Position = e.part.name, e.part.scale.position(e.number)
		ack.Duplicate = e.unknown && !e.topic.traits.idempotent
		l.s.produced(e.topic, e.part, 1, e.rec)
	}
	e.done(ack, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records--
	l.bytes -= e.size
	l.ages[e.age-l.oldest]--
	for len(l.ages) > 1 && l.ages[0] == 0 {
		l.ages = l.ages[1:]
		l.oldest++
	}
	l.tell()
}

// tell lets those look again that wait for a change. The caller holds l.mu.
func (l *lanes) tell() {
	if l.watched {
		l.watched = false
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// flush waits until every record accepted before it is done.
func (l *lanes) flush(ctx context.Context) error {
	l.mu.Lock()
	age := l.oldest + len(l.ages) - 1
	l.ages = append(l.ages, 0)
	l.mu.Unlock()
	for {
		l.mu.Lock()
		open := 0
		for i := 0; i < len(l.ages) && l.oldest+i <= age; i++ {
			open += l.ages[i]
		}
		l.watched = l.watched || open > 0
		changed := l.changed
		l.mu.Unlock()
		if open == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// end fails every record that is not done.
func (l *lanes) end(err error) {
	l.mu.Lock()
	l.ended = err
	var idle []*lane
	for _, ln := range l.byKey {
		if ln.retry != nil && ln.retry.stop() {
			ln.retry = nil
			idle = append(idle, ln)
		}
	}
	l.tell()
	l.mu.Unlock()
	sortLanes(idle)
	for _, ln := range idle {
		l.fail(ln, err)
	}
}
