package kafkago

import (
	"sync"
	"sync/atomic"
	"time"
)

// A pump sends batches: one of a partition at a time, as many partitions' in a request as are ready, and InFlight
// requests of a broker at most. It alone knows who sends what under which number; its goroutine neither waits for a
// broker nor calls anybody's code.
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

// idleTurn is when the pump looks again if nobody wakes it.
const idleTurn = time.Minute

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

// post says that a lane has records that the pump does not know of. What comes with them may join their batch until
// nudge.
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
