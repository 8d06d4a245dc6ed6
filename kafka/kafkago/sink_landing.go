package kafkago

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// The waits before a batch is tried again: a leader that was killed is replaced within seconds.
const (
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = time.Second
)

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

// again tries a lane once more, after a while. A leader that did not answer in time is not asked again before a
// Transport must have looked whether there is another.
func (p *pump) again(l *lane, now time.Time) {
	c := &l.course
	wait := min(firstBackoff<<min(c.tries, 4), mostBackoff)
	if isTimeout(c.cause) || errors.Is(c.cause, context.DeadlineExceeded) {
		wait = metadataTTL
	}
	c.tries++
	c.until = now.Add(wait*4/5 + rand.N(wait*2/5))
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
