package workload

import (
	"math/rand/v2"
	"time"
)

// A pace is one actor's choices and waits. In a bubble no two actors wake in the same nanosecond: each has a slot of its
// own, and wakes only when the time modulo slots is its slot. So the order of things is a function of the seed.
type pace struct {
	*rand.Rand
	slot int64
}

// The slots from the top are the workload's, those from the bottom package memory's: see its Config.Replay.
const (
	slots      = 1024
	actorSlots = 64
	holdSlots  = 448
)

// Roles of actors: each has random numbers of its own.
const (
	roleMain = iota + 2
	roleFaults
	roleProducer
	roleMember
	roleHold
)

// actor is the pace of a producer, a member or the run itself.
func actor(seed uint64, role, number int) *pace {
	slot := slots - 1 - (role*8+number)%actorSlots
	return &pace{Rand: rand.New(rand.NewPCG(seed, uint64(role)<<32|uint64(number))), slot: int64(slot)}
}

// holder is the pace of a hold.
func holder(seed, hold uint64) *pace {
	slot := slots - 1 - actorSlots - int64(hold%holdSlots)
	return &pace{Rand: rand.New(rand.NewPCG(seed, roleHold<<32|hold)), slot: slot}
}

// sleep waits for up to most.
func (p *pace) sleep(most time.Duration) {
	p.until(time.Now().Add(time.Duration(p.Int64N(int64(most)))))
}

// until waits until the actor's slot at that time, or right after it.
func (p *pace) until(at time.Time) {
	now := time.Now()
	wake := max(at.UnixNano(), now.UnixNano()+1)
	wake += (p.slot - wake) & (slots - 1)
	time.Sleep(time.Duration(wake - now.UnixNano()))
}

// percent is true so many times of 100.
func (p *pace) percent(n int) bool { return p.IntN(100) < n }
