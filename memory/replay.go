package memory

import (
	"slices"
	"time"
)

// In replay mode every call first sleeps a seeded time, and so does whoever waited inside a call and was woken. Whoever
// sleeps has a number, and the time at which it wakes has that number as its rest modulo paceSlots nanoseconds: no two
// wake at once, so at most one goroutine is runnable, and the order of things is a function of the seed.
const (
	paceSlots = 1 << 14 // nanoseconds; 63 sinks, 192 sources and 768 claims have a number of their own
	paceOps   = 16      // a handle's calls of different kinds may sleep at once: a number for each
	paceMost  = 3 * time.Millisecond
)

// A person is a kind of handle. Each kind is numbered by itself, in a range of its own: how many claims there were says
// nothing about when a sink sleeps.
type person int

const (
	aSink person = iota
	aSource
	aClaim
)

// number numbers a handle.
func (in *injector) number(kind person) int {
	ranges := [...]struct{ first, count int }{aSink: {1, 63}, aSource: {64, 192}, aClaim: {256, 768}}
	in.mu.Lock()
	defer in.mu.Unlock()
	n := in.people[kind]
	in.people[kind]++
	return ranges[kind].first + n%ranges[kind].count
}

// pace sleeps in replay mode.
func (in *injector) pace(op Op, at Where, id int) {
	if !in.b.config.Replay {
		return
	}
	if id == 0 { // not a handle's call: its name keeps it apart from others, as far as names do
		id = int(hashName(string(op)+at.Stream+at.Group+at.Member) % (paceSlots / paceOps))
	}
	slot := int64(id)*paceOps + paceOps - 1 // a timer's
	if i := slices.Index(ops, op); i >= 0 {
		slot = int64(id)*paceOps + int64(i)
	}
	now := in.b.clock.nanos()
	wake := now + int64(in.dice.draw("pace", opWhere(op, at))%uint64(paceMost-paceSlots))
	wake += (slot - wake) & (paceSlots - 1)
	if wake <= now {
		wake += paceSlots
	}
	time.Sleep(time.Duration(wake - now))
}
