package kafkago

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A holding is a generation in which the member has its partitions. kafka-go stays in the generation until it is let go.
type holding struct {
	member     *member
	id         string // of the member
	partitions []engine.Partition
	assigned   bool          // the Listener knows of them
	over       chan struct{} // closed when kafka-go has had enough of the generation
	free       chan struct{} // closed when kafka-go may leave the generation
	once       sync.Once
	stop       func() // ends what runs beside, and waits for it
	next       step
	failure    error // what does not heal
}

// A step is what follows a generation.
type step int

const (
	rejoining step = iota // the next generation
	leaving               // the group is left, for good or to be joined for other topics
)

// hold tells the Listener what the member has and stays with it until the coordinator says otherwise, or cannot be asked
// for as long as a session lasts. That kafka-go ends the generation only makes the member ask.
func (m *member) hold(alive context.Context, g *group, generation *segmentio.Generation) *holding {
	h := &holding{
		member: m, id: generation.MemberID, partitions: partitionsOf(generation),
		over: make(chan struct{}), free: make(chan struct{}),
	}
	generation.Start(h.keep)
	m.became(generation.MemberID, generation.ID)
	running, stop := context.WithCancel(alive)
	var beside sync.WaitGroup
	p := newPulse(m.settings, m.coordinator, generation.MemberID, generation.ID)
	beside.Go(func() { p.run(running) })
	changed := make(chan step)
	beside.Go(func() { m.topics.watch(running, g.topics, g.balancer.led(), changed) })
	h.stop = func() { stop(); beside.Wait() }
	defer h.stop()
	h.attend(p, changed)
	return h
}

// keep holds kafka-go in its generation.
func (h *holding) keep(generation context.Context) {
	select {
	case <-generation.Done():
		close(h.over)
		<-h.free
	case <-h.free:
	}
}

// letGo lets kafka-go leave the generation.
func (h *holding) letGo() { h.once.Do(func() { close(h.free) }) }

// attend returns when the Listener has heard that the member has nothing any more.
func (h *holding) attend(p *pulse, changed <-chan step) {
	m, over := h.member, h.over
	watchdog := time.NewTimer(p.left())
	defer watchdog.Stop()
	for {
		select {
		case <-m.closing:
			h.next = leaving
			h.revoke()
			return
		case h.next = <-changed:
			h.revoke()
			return
		case <-over:
			over = nil
			p.hurry()
			if mutated("a generation ends with its connection") {
				h.revoke()
				return
			}
		case <-m.doubts:
			p.hurry()
		case <-watchdog.C:
			left := p.left()
			if left <= 0 && !mutated("a session has no end") {
				h.lose()
				return
			}
			watchdog.Reset(left)
		case v := <-p.verdicts:
			if h.judge(v) {
				return
			}
		}
	}
}

// judge does what the coordinator's answer means, and reports whether the generation is over.
func (h *holding) judge(v verdict) bool {
	switch v.kind {
	case alive:
		h.assign()
		return false
	case asked:
		if mutated("nobody asks while handlers give up") {
			h.stop()
		}
		h.revoke()
	case gone:
		h.lose()
	case refused:
		h.lose()
		h.next, h.failure = leaving, h.member.told(v.err)
	}
	return true
}

func (h *holding) assign() {
	if !h.assigned && len(h.partitions) > 0 {
		h.assigned = true
		h.member.call(func() { h.member.listener.Assigned(h.partitions) })
	}
}

// revoke asks everything back. The session goes on meanwhile: the member's own heartbeats do.
func (h *holding) revoke() {
	if mutated("the generation is left before all is given back") {
		h.letGo()
	}
	if h.assigned {
		h.member.call(func() { h.member.listener.Revoked(h.partitions) })
	}
}

func (h *holding) lose() {
	h.member.became(h.id, -1)
	if h.assigned && !mutated("what is lost is kept") {
		h.member.call(func() { h.member.listener.Lost(h.partitions) })
	}
}

// partitionsOf lists a generation's partitions by topic and number.
func partitionsOf(g *segmentio.Generation) []engine.Partition {
	var ps []engine.Partition
	for topic, numbers := range g.Assignments {
		for _, p := range numbers {
			ps = append(ps, engine.Partition{Topic: topic, Number: int32(p.ID)})
		}
	}
	slices.SortFunc(ps, func(a, b engine.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	return ps
}
