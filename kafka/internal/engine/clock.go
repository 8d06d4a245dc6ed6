package engine

import (
	"sync/atomic"
	"time"
)

// A Clock tells the time for records that come singly. It adds the time since its last reading to that reading, which
// reads one clock where time.Now reads two. A wall clock that is set is followed within 100 ms. Methods may be called from
// many goroutines.
type Clock struct{ read atomic.Pointer[time.Time] }

const clockAge = 100 * time.Millisecond

// Now is the time.
func (c *Clock) Now() time.Time {
	if read := c.read.Load(); read != nil {
		if since := time.Since(*read); since < clockAge {
			return read.Add(since)
		}
	}
	now := time.Now()
	c.read.Store(&now)
	return now
}
