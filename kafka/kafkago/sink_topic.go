package kafkago

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A topic is one that is appended to: its partitions, and the records that came before these were known.
type topic struct {
	sink   *sink
	name   string
	known  atomic.Pointer[places] // nil: not yet
	bound  atomic.Pointer[bound]
	sticky atomic.Int32 // where records without key go for a batch

	mu      sync.Mutex // guards what follows
	lanes   []*lane    // by number
	waiting []arrival  // accepted before known was set
	settled chan struct{}
	shut    bool
}

// places are the partitions of a topic.
type places struct {
	leaders []int32 // as they were told
	lanes   []*lane
	numbers []int   // as kafka-go's balancers take them
	led     []int32 // the partitions that have a leader
}

// A bound is the largest batch of a topic, as it was found out last.
type bound struct {
	bytes int64
	until time.Time
}

// boundAge is how long a bound is kept: the probe is asked less than once a record.
const boundAge = 100 * time.Millisecond

func newTopic(s *sink, name string) *topic { return &topic{sink: s, name: name} }

// limit is how large a batch may be, as brokers count: the setting, or the topic's own limit if that is lower.
func (t *topic) limit(now time.Time) int64 {
	if b := t.bound.Load(); b != nil && now.Before(b.until) {
		return b.bytes
	}
	b := &bound{bytes: int64(t.sink.settings.BatchBytes), until: now.Add(boundAge)}
	if bytes, known := t.sink.probe.MaxBatchBytes(t.name); known {
		b.bytes = min(b.bytes, bytes)
	}
	t.bound.Store(b)
	return b.bytes
}

// take puts a record into the batch of its partition, or lets it wait until the partitions are known.
func (t *topic) take(a *arrival) {
	known := t.known.Load()
	if known == nil {
		if t.postpone(a) {
			return
		}
		known = t.known.Load()
	}
	if known == nil {
		t.sink.drop(a, stream.ErrClosed)
		return
	}
	t.put(known, a)
}

// put chooses the partition.
func (t *topic) put(known *places, a *arrival) {
	l, err := t.choose(known, a)
	if err == nil {
		err = t.enqueue(known, l, a)
	}
	if err != nil {
		t.sink.drop(a, err)
	}
}

// enqueue adds the record to the partition's batch. A record that may go anywhere goes on when it would begin another.
func (t *topic) enqueue(known *places, l *lane, a *arrival) error {
	if l != nil {
		_, err := l.put(a, true)
		return err
	}
	at := t.sticky.Load()
	if int(at) < len(known.lanes) {
		taken, err := known.lanes[at].put(a, false)
		if taken || err != nil {
			return err
		}
	}
	next := known.other(at)
	t.sticky.CompareAndSwap(at, next)
	_, err := known.lanes[next].put(a, true)
	return err
}

// postpone keeps a record until the partitions are known; false if they are, or the topic is shut.
func (t *topic) postpone(a *arrival) bool {
	t.mu.Lock()
	if t.shut || t.known.Load() != nil {
		t.mu.Unlock()
		return false
	}
	if len(t.waiting) == 0 && t.settled == nil {
		t.settled = make(chan struct{})
	}
	a.accepted = true
	t.waiting = append(t.waiting, *a)
	t.mu.Unlock()
	t.sink.scout.ask()
	return true
}

// settling is closed when nothing waits for the partitions.
func (t *topic) settling() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settled
}

// all returns the lanes.
func (t *topic) all() []*lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lanes
}

// close lets no record in any more.
func (t *topic) close() {
	t.mu.Lock()
	t.shut = true
	lanes := t.lanes
	t.mu.Unlock()
	for _, l := range lanes {
		l.close()
	}
}

// update is called by the scout when it knows the leaders, -1 for none. The records that wait are placed first, in
// order.
func (t *topic) update(leaders []int32) {
	if known := t.known.Load(); known != nil && slices.Equal(known.leaders, leaders) {
		return
	}
	known := &places{leaders: leaders}
	t.mu.Lock()
	for n := len(t.lanes); n < len(leaders); n++ {
		t.lanes = append(t.lanes, newLane(t, int32(n), t.shut))
	}
	known.lanes = t.lanes[:len(leaders):len(leaders)] // of a topic that was made anew there may be fewer
	t.mu.Unlock()
	for n := range known.lanes {
		known.numbers = append(known.numbers, n)
		if leaders[n] >= 0 {
			known.led = append(known.led, int32(n))
		}
	}
	for t.known.Load() == nil {
		t.place(known)
	}
	t.known.Store(known)
}

// place places what waits, and opens the topic when nothing does.
func (t *topic) place(known *places) {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	if len(waiting) == 0 {
		t.known.Store(known)
		if t.settled != nil {
			close(t.settled)
			t.settled = nil
		}
	}
	t.mu.Unlock()
	for i := range waiting {
		t.put(known, &waiting[i])
	}
	t.sink.pump.nudge()
}

// expire fails everything that waits when cause is not nil, or when the first of it has waited too long: a record that
// fails takes with it what was accepted before its done returned.
func (t *topic) expire(now time.Time, cause error) {
	if cause == nil {
		if !t.isOverdue(now) {
			return
		}
		cause = errDelivery
	}
	for range mostRounds {
		t.mu.Lock()
		failed := t.waiting
		t.waiting = nil
		t.mu.Unlock()
		if len(failed) == 0 {
			break
		}
		for i := range failed {
			t.sink.drop(&failed[i], cause)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 && t.settled != nil && t.known.Load() == nil {
		close(t.settled)
		t.settled = nil
	}
}

func (t *topic) isOverdue(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting) > 0 && now.Sub(t.waiting[0].at) >= t.sink.config.DeliveryTimeout
}

// waits reports whether records wait for the partitions.
func (t *topic) waits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting) > 0
}
