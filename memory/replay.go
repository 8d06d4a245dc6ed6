package memory

import (
	"slices"
	"time"
)

// In replay mode every call first sleeps a seeded time, and so does whoever waited inside a call and was woken. Whoever
// sleeps has a number, and the time at which it wakes has that number as its rest modulo paceSlots nanoseconds: no two
// wake at once, so at most one goroutine is runnable, and the order of things is a function of the seed.
const (
	paceSlots = 1 << 14 // nanoseconds; more than paceSlots/paceOps handles share numbers
	paceOps   = 16      // a handle's calls of different kinds may sleep at once: a number for each
	paceMost  = 3 * time.Millisecond
)

// person numbers a handle.
func (in *injector) person() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.people++
	return in.people
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
