package producer

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// The waits before a parcel is tried again.
const (
	firstRest = 50 * time.Millisecond
	mostRest  = 2 * time.Second
)

// backoff is how long a parcel rests after so many tries: doubling, with jitter of a half.
func backoff(tries int) time.Duration {
	wait := min(firstRest<<min(max(tries-1, 0), 10), mostRest)
	return wait/2 + rand.N(wait)
}

// rest leaves a parcel aside until it is tried again. The caller holds o.mu.
func (o *outlet) rest(p *parcel, wait time.Duration, now int64) {
	p.state, p.wake = resting, now+int64(wait)
	heap.Push(&o.rests, p)
}

// rested puts parcels in line again whose rest is over. The caller holds o.mu.
func (o *outlet) rested(now int64) {
	for len(o.rests) > 0 && o.rests[0].wake <= now {
		p, _ := heap.Pop(&o.rests).(*parcel)
		o.queue(p, true)
		o.due = min(o.due, now)
	}
}
