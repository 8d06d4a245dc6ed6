package kafkago

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A pump sends batches: one of a partition at a time, as many partitions' in a request as are ready, and InFlight requests
// of a broker at most. It alone knows who sends what under which number; its goroutine neither waits for a broker nor calls
// anybody's code.
type pump struct {
	sink   *sink
	wake   chan struct{}
	posted atomic.Bool // lanes, since nudge

	mu    sync.Mutex // guards what follows
	inbox inbox

	// The goroutine's own.
	view     *view
	lanes    []*lane // that have records, and are not under way
	brokers  map[int32]*broker
	flying   int // requests, and lanes that are failing
	hurried  time.Time
	ending   bool
	identity identity
}

// An inbox is what others tell the pump.
type inbox struct {
	lanes    []*lane // that have records
	failed   []*lane // all that they had is answered
	requests []*request
	view     *view
	hurried  time.Time
	identity *identity
	ending   bool
}

// A course is what the pump knows of a lane.
type course struct {
	kept     bool // among the pump's lanes
	away     bool // in a request, or failing
	producer producer
	sequence int32 // of the next batch
	stored   int64 // the last offset that was acknowledged, or -1
	tries    int
	until    time.Time // it is not tried again before, unless another broker leads
	leader   int32     // of the last try
	cause    error     // why it was not stored
}

// A broker is one that leads partitions.
type broker struct {
	flying int
	until  time.Time // it throttles
	ready  []*lane
	bytes  int       // of ready
	oldest time.Time // of ready
}

const (
	// mostRequest bounds a request's batches, but for the first: a fraction of what brokers take (socket.request.max.bytes).
	mostRequest = 16 << 20

	// Each request of a broker that is under way already takes a connection of its own, so that the next one must be worth
	// it: by its bytes for each that is under way, or since it has waited.
	worthBytes = 32 << 10
	worthWait  = 2 * time.Millisecond

	// idleTurn is when the pump looks again if nobody wakes it.
	idleTurn = time.Minute

	// The waits before a batch is tried again: a leader that was killed is replaced within seconds.
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = time.Second
)

func newPump(s *sink) *pump {
	return &pump{sink: s, wake: make(chan struct{}, 1), view: &view{}, brokers: map[int32]*broker{}}
}

// tell changes the inbox and wakes the pump.
func (p *pump) tell(change func(*inbox)) {
	p.mu.Lock()
	change(&p.inbox)
	p.mu.Unlock()
	p.rouse()
}

func (p *pump) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// post says that a lane has records that the pump does not know of. What comes with them may join their batch until nudge.
func (p *pump) post(l *lane) {
	p.mu.Lock()
	p.inbox.lanes = append(p.inbox.lanes, l)
	p.mu.Unlock()
	p.posted.Store(true)
}

// nudge wakes the pump if there was a post.
func (p *pump) nudge() {
	if p.posted.Load() && p.posted.Swap(false) {
		p.rouse()
	}
}

// finish says that a request is over.
func (p *pump) finish(r *request) { p.tell(func(in *inbox) { in.requests = append(in.requests, r) }) }

// failed says that a lane has failed what it had.
func (p *pump) failed(l *lane) { p.tell(func(in *inbox) { in.failed = append(in.failed, l) }) }

// see says where partitions are.
func (p *pump) see(v *view) {
	p.mu.Lock()
	same := p.inbox.view == v
	p.mu.Unlock()
	if !same {
		p.tell(func(in *inbox) { in.view = v })
	}
}

// hurry lets nothing linger that is there.
func (p *pump) hurry() { p.tell(func(in *inbox) { in.hurried = time.Now() }) }

// end has the pump return when nothing is left.
func (p *pump) end() { p.tell(func(in *inbox) { in.ending = true }) }

// run is the pump's goroutine.
func (p *pump) run() {
	timer := time.NewTimer(idleTurn)
	defer timer.Stop()
	over := p.sink.running.Done()
	for {
		select {
		case <-p.wake:
		case <-timer.C:
		case <-over:
			over = nil
		}
		now := time.Now()
		p.read(now)
		next := p.turn(now)
		if p.ending && p.flying == 0 && len(p.lanes) == 0 {
			return
		}
		p.sink.scout.busy.Store(p.flying > 0 || len(p.lanes) > 0)
		timer.Reset(max(next.Sub(now), 0))
	}
}

// read takes in what was told.
func (p *pump) read(now time.Time) {
	p.mu.Lock()
	in := p.inbox
	p.inbox = inbox{view: in.view, hurried: in.hurried, ending: in.ending}
	p.mu.Unlock()
	if in.view != nil {
		p.view = in.view
	}
	p.hurried = in.hurried
	if in.identity != nil {
		p.identify(*in.identity, now)
	}
	if len(p.lanes) == 0 && p.flying == 0 && len(in.lanes) > 0 {
		p.sink.scout.busy.Store(true)
		p.sink.scout.ask()
	}
	for _, l := range in.lanes {
		p.keep(l)
	}
	for _, r := range in.requests {
		p.settle(r, now)
	}
	for _, l := range in.failed {
		p.flying--
		l.course.away = false
		p.keep(l)
	}
	if in.ending && !p.ending {
		p.ending = true
		for _, t := range p.sink.every() {
			for _, l := range t.all() {
				p.keep(l)
			}
		}
	}
}

// keep keeps a lane until it can be sent.
func (p *pump) keep(l *lane) {
	if !l.course.away && !l.course.kept && l.head().batch != nil {
		l.course.kept = true
		p.lanes = append(p.lanes, l)
	}
}

// turn sends what can be sent, and returns when to look again.
func (p *pump) turn(now time.Time) time.Time {
	next := now.Add(idleTurn)
	for _, l := range p.lanes {
		if at := p.consider(l, now); at.Before(next) {
			next = at
		}
	}
	for id, b := range p.brokers {
		if at := p.load(id, b, now); at.Before(next) {
			next = at
		}
	}
	p.lanes = slices.DeleteFunc(p.lanes, func(l *lane) bool {
		l.course.kept = !l.course.away
		return l.course.away
	})
	return next
}

// consider fails a lane, or makes it ready to be sent, or returns when to look again.
func (p *pump) consider(l *lane, now time.Time) time.Time {
	head := l.head()
	expires := head.batch.begun.Add(p.sink.config.DeliveryTimeout)
	seen := p.view.topics[l.topic.name]
	leader := p.view.leader(l.topic.name, l.number)
	switch {
	case p.sink.running.Err() != nil:
		p.fail(l, head.batch, errShut)
		return expires
	case !now.Before(expires):
		p.fail(l, head.batch, late(l.course.cause, p.identity.err, p.view.err))
		return expires
	case seen.err != nil:
		p.fail(l, head.batch, seen.err)
		return expires
	case leader < 0:
		return expires
	case now.Before(l.course.until) && leader == l.course.leader:
		return earlier(expires, l.course.until)
	}
	if due := head.batch.begun.Add(p.sink.settings.Linger); !head.full && now.Before(due) && !p.isHurried(head.batch) {
		return earlier(expires, due)
	}
	if p.sink.settings.Idempotent && !p.identity.known {
		if p.identity.refused && now.Before(p.identity.until) {
			p.fail(l, head.batch, p.identity.err)
			return expires
		}
		return earlier(expires, p.ask(now))
	}
	b := p.brokers[leader]
	if b == nil {
		b = &broker{}
		p.brokers[leader] = b
	}
	if len(b.ready) == 0 || head.batch.begun.Before(b.oldest) {
		b.oldest = head.batch.begun
	}
	b.ready = append(b.ready, l)
	b.bytes += head.size
	return expires
}

// isHurried reports whether somebody waits for the batch.
func (p *pump) isHurried(b *batch) bool {
	return p.sink.rushing.Load() > 0 || !b.begun.After(p.hurried)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// late is the error of a record that was not answered in time, with what is known of why.
func late(causes ...error) error {
	for _, cause := range causes {
		if cause != nil {
			return fmt.Errorf("%w; the last try: %w", errDelivery, cause)
		}
	}
	return errDelivery
}

// load sends what is ready for a broker, and returns when to look again.
func (p *pump) load(id int32, b *broker, now time.Time) time.Time {
	next := now.Add(idleTurn)
	ready := b.ready
	for len(ready) > 0 && b.flying < p.slots() {
		if now.Before(b.until) {
			next = b.until
			break
		}
		if worth := b.oldest.Add(worthWait); b.flying > 0 && b.bytes < b.flying*worthBytes && now.Before(worth) {
			next = worth
			break
		}
		n := p.launch(id, b, ready, now)
		ready = ready[n:]
	}
	clear(b.ready)
	b.ready, b.bytes = b.ready[:0], 0
	return next
}

// slots is how many requests a broker may have. Without answers only one connection keeps their order.
func (p *pump) slots() int {
	if p.sink.settings.Acks == engine.AcksNone {
		return 1
	}
	return p.sink.settings.InFlight
}

// launch sends one request and returns how many lanes are in it.
func (p *pump) launch(id int32, b *broker, ready []*lane, now time.Time) int {
	r := &request{broker: id}
	size := 0
	for _, l := range ready {
		head := l.head()
		if len(r.legs) > 0 && size+head.size > mostRequest {
			break
		}
		size += head.size
		l.seal(head.batch)
		p.number(l, head.batch)
		l.course.away, l.course.leader = !mutated("two batches of a partition are under way"), id
		if expires := head.batch.begun.Add(p.sink.config.DeliveryTimeout); len(r.legs) == 0 || expires.Before(r.deadline) {
			r.deadline = expires
		}
		r.legs = append(r.legs, leg{lane: l, batch: head.batch})
	}
	b.bytes -= size
	b.flying++
	p.flying++
	n := len(r.legs)
	slices.SortStableFunc(r.legs, func(a, b leg) int { return strings.Compare(a.lane.topic.name, b.lane.topic.name) })
	p.sink.wg.Go(func() { r.run(p.sink) })
	return n
}

// settle takes in what came of a request.
func (p *pump) settle(r *request, now time.Time) {
	p.flying--
	b := p.brokers[r.broker]
	b.flying--
	if r.throttle > 0 {
		b.until = now.Add(r.throttle)
	}
	for i := range r.legs {
		l := &r.legs[i]
		l.lane.course.away = false
		p.land(l, now)
	}
}

// land takes in what came of a batch.
func (p *pump) land(g *leg, now time.Time) {
	l, b, c := g.lane, g.batch, &g.lane.course
	switch {
	case g.outcome == fateStored:
		p.advance(l, g)
		c.tries, c.cause, c.until = 0, nil, time.Time{}
		more := l.next()
		p.sink.buffers.recycle(b)
		if more {
			p.keep(l)
		}
		return
	case g.outcome == fateFailed && isIdentity(g.code) && p.sink.settings.Idempotent:
		p.doubted(g, now)
		return
	case g.outcome == fateFailed:
		b.doubt = b.doubt || b.sent && !g.code.Refuses()
		p.fail(l, b, g.err)
		return
	}
	b.doubt = b.doubt || !isSureCode(g.code)
	c.cause = g.err
	switch {
	case mutated("a batch is renumbered when it is sent again"):
		b.numbered, b.finished, c.sequence = false, false, after(c.sequence, g.count)
	case mutated("a batch overtakes the one that is sent again"):
		l.overtake()
	}
	p.again(l, now)
}

// again tries a lane once more, after a while.
func (p *pump) again(l *lane, now time.Time) {
	wait := min(firstBackoff<<min(l.course.tries, 4), mostBackoff)
	l.course.tries++
	l.course.until = now.Add(wait*4/5 + rand.N(wait*2/5))
	p.keep(l)
	p.sink.scout.ask()
}

// fail answers everything that a lane has, of which only the first batch was ever sent.
func (p *pump) fail(l *lane, b *batch, cause error) {
	first, behind := engine.Unsent(cause), engine.Unsent(cause)
	if b.doubt {
		first = engine.Unknown(cause)
	}
	if code, _ := engine.CodeOf(cause); b.doubt || b.sent && !isSureCode(code) {
		p.bump(l)
	}
	l.course.away = true
	l.course.tries, l.course.cause, l.course.until = 0, nil, time.Time{}
	p.flying++
	p.sink.wg.Go(func() {
		l.fail(first, behind)
		p.failed(l)
	})
}
