package kafkago

import (
	"strconv"
	"sync"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A lane is a partition that is appended to: its batches, in order.
type lane struct {
	topic  *topic
	number int32
	name   string
	course course // the pump's

	mu      sync.Mutex // guards what follows
	queue   []*batch   // not answered, the first is the next to be sent
	open    *batch     // the last of queue while records are added to it
	leaving *batch     // failed, but for its last record, which is being answered
	told    bool       // the pump knows of the queue
	shut    bool
}

func newLane(t *topic, number int32, shut bool) *lane {
	return &lane{
		topic: t, number: number, name: strconv.Itoa(int(number)), shut: shut, course: course{stored: -1, leader: -1},
	}
}

// put adds a record to the open batch. If it would begin another one and may not, it is not taken.
func (l *lane) put(a *arrival, begin bool) (taken bool, err error) {
	s, ms := l.topic.sink, a.millis()
	l.mu.Lock()
	if l.shut && !a.accepted {
		l.mu.Unlock()
		return false, stream.ErrClosed
	}
	b, full := l.open, false
	if b == nil || !b.fits(a.body, ms) {
		if !begin {
			l.mu.Unlock()
			return false, nil
		}
		full = b != nil
		b = s.buffers.batch(headEnd + int(lengthened(a.body)))
		b.begun, b.limit = a.at, l.topic.limit(a.at)
		l.queue, l.open = append(l.queue, b), b
	}
	b.add(a.item, a.body, ms, &s.buffers)
	tell := !l.told || full && s.settings.Linger > 0
	l.told = true
	l.mu.Unlock()
	if tell {
		s.pump.post(l)
	}
	return true, nil
}

// A head is what the pump looks at.
type head struct {
	batch *batch
	size  int
	full  bool // nothing is added to it any more
}

// head returns the next batch to be sent; its batch is nil if there is none.
func (l *lane) head() head {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return head{}
	}
	b := l.queue[0]
	if len(l.queue) > 1 && b.numbered && mutated("two batches of a partition are under way") {
		b = l.queue[1]
	}
	return head{batch: b, size: len(b.bytes), full: b != l.open}
}

// seal lets no record into the head any more.
func (l *lane) seal(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == b {
		l.open = nil
	}
}

// next removes the head, all of whose records are answered, and reports whether there is another. If not, the pump is
// told when one comes.
func (l *lane) next() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	if b.over != nil {
		close(b.over)
	}
	l.told = len(l.queue) > 0
	return l.told
}

// draining is closed when all is answered that is in the lane now; nil if nothing is. Later records do not delay it.
func (l *lane) draining() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.leaving
	if n := len(l.queue); n > 0 {
		b, l.open = l.queue[n-1], nil
	}
	if b == nil {
		return nil
	}
	if b.over == nil {
		b.over = make(chan struct{})
	}
	return b.over
}

// overtake is what a broken variant does.
func (l *lane) overtake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 1 {
		l.open = nil
		l.queue[0], l.queue[1] = l.queue[1], l.queue[0]
	}
}

// close lets no record in any more.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
}

// all returns the batches, and lets no record into them any more.
func (l *lane) all() []*batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = nil
	return l.queue[:len(l.queue):len(l.queue)]
}

// answer tells that a batch is stored, its first record at the offset base, or somewhere if that is negative.
func (l *lane) answer(b *batch, base int64) {
	s := l.topic.sink
	// Without idempotence a try that may have been stored and was repeated may stand twice.
	ack := stream.Ack{Partition: l.name, Duplicate: b.doubt && !s.settings.Idempotent}
	for i := range b.items {
		one := &b.items[i]
		ack.Record = one.from
		if base >= 0 {
			ack.Position = engine.Position(base+int64(i), -1)
		}
		one.done(ack, nil)
		s.gate.Leave(one.size)
	}
}

// refuse answers some records of a batch that failed.
func (l *lane) refuse(items []item, err error) {
	s := l.topic.sink
	for i := range items {
		one := &items[i]
		one.done(stream.Ack{Record: one.from, Partition: l.name}, err)
		s.gate.Leave(one.size)
	}
}

// mostRounds bounds how often fail looks for records that came while it failed others: whoever appends again in a done
// would keep it at it.
const mostRounds = 16

// fail answers the head with an error, and with another all that was accepted behind it, until nothing is left but the
// last record. Whoever hears of that one, and has heard of all others, appends what is new.
func (l *lane) fail(first, behind error) {
	first, behind = placed("append", l.topic.name, l.name, first), placed("append", l.topic.name, l.name, behind)
	for range mostRounds {
		batches := l.all()
		if mutated("what waits behind a failure is sent") {
			batches = batches[:1]
		}
		last := len(batches) - 1
		for _, b := range batches[:last] {
			l.refuse(b.items, first)
			first = behind
		}
		b := batches[last]
		end := len(b.items) - 1
		l.refuse(b.items[:end], first)
		more := l.leave(batches)
		l.refuse(b.items[end:], first)
		l.left(batches)
		first = behind
		if !more || mutated("what waits behind a failure is sent") {
			return
		}
	}
}

// leave takes batches out of the queue, whose last record is about to be answered, and reports whether others came
// meanwhile. If not, the pump is told of what comes.
func (l *lane) leave(batches []*batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = batches[len(batches)-1]
	l.queue = l.queue[len(batches):]
	l.told = len(l.queue) > 0
	return l.told
}

// left says that all records of the batches are answered.
func (l *lane) left(batches []*batch) {
	l.mu.Lock()
	l.leaving = nil
	l.mu.Unlock()
	for _, b := range batches {
		if b.over != nil {
			close(b.over)
		}
		l.topic.sink.buffers.recycle(b)
	}
}
