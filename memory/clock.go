package memory

import (
	"sync"
	"time"
)

// A clock tells the time since the backend was opened by the monotonic clock, at a third of the cost of time.Now, and
// keeps the backend's timers.
type clock struct {
	base  time.Time
	start int64 // base in Unix nanoseconds

	stagger func(serial int) // in replays: keeps timers that are due at once apart

	mu     sync.Mutex // guards what follows
	serial int        // how many timers there were
	closed bool
	timers map[*timer]struct{}
	wg     sync.WaitGroup // counts the timers that have not run or been stopped
}

func newClock() *clock {
	now := time.Now()
	return &clock{base: now, start: now.UnixNano(), timers: map[*timer]struct{}{}}
}

// nanos and millis are the time now in Unix nanoseconds and milliseconds.
func (c *clock) nanos() int64  { return c.start + int64(time.Since(c.base)) }
func (c *clock) millis() int64 { return c.nanos() / int64(time.Millisecond) }

// A timer runs a function once, later, unless it is stopped before.
type timer struct {
	clock *clock
	t     *time.Timer
}

// after runs f on a goroutine of its own when d has passed, unless the clock is closed before.
func (c *clock) after(d time.Duration, f func()) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{clock: c}
	if c.closed {
		return t
	}
	c.wg.Add(1)
	c.serial++
	serial := c.serial
	c.timers[t] = struct{}{}
	t.t = time.AfterFunc(d, func() {
		defer c.wg.Done()
		c.mu.Lock()
		delete(c.timers, t)
		c.mu.Unlock()
		if c.stagger != nil {
			c.stagger(serial)
		}
		f()
	})
	return t
}

// stop keeps the function from running, and reports whether it could. A nil timer is fine.
func (t *timer) stop() bool {
	if t == nil || t.t == nil || !t.t.Stop() {
		return false
	}
	t.clock.mu.Lock()
	delete(t.clock.timers, t)
	t.clock.mu.Unlock()
	t.clock.wg.Done()
	return true
}

// close stops all timers and waits for those that run.
func (c *clock) close() {
	c.mu.Lock()
	c.closed = true
	timers := c.timers
	c.timers = nil
	c.mu.Unlock()
	for t := range timers {
		if t.t.Stop() {
			c.wg.Done()
		}
	}
	c.wg.Wait()
}
