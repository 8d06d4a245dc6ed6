package kafkago

import (
	"sync/atomic"
	"time"
)

// A clock tells the time for records that come singly. It adds the time since its last reading to that reading, which
// reads one clock where time.Now reads two. A wall clock that is set is followed within clockAge. Methods may be called
// from many goroutines.
type clock struct{ read atomic.Pointer[time.Time] }

const clockAge = 100 * time.Millisecond

func (c *clock) now() time.Time {
	if read := c.read.Load(); read != nil {
		if since := time.Since(*read); since < clockAge {
			return read.Add(since)
		}
	}
	now := time.Now()
	c.read.Store(&now)
	return now
}
