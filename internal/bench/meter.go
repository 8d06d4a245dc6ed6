package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// chunk is how many records a tap counts before it tells its meter. Every tap receives a multiple of it.
const chunk = 100

// A meter measures a stretch in the middle of a stream of records, whoever receives them: it begins when so many have
// come and ends when so many more have, while records still come. So neither joining, nor what was fetched beforehand,
// nor the end of the stream is in it.
type meter struct {
	total, from, to int64
	each            func(value []byte) // nil, or called for every record before it is counted; set before use
	count           atomic.Int64

	mu    sync.Mutex // guards what follows
	began reading
	ended reading
	taps  []*tap
	fault error

	done chan struct{} // closed when all have come, or something failed
	once sync.Once     // of done
}

// newMeter measures total records but for the first tenth and the last fifth.
func newMeter(total int) *meter {
	return &meter{
		total: int64(total), from: int64(total / 10), to: int64(total - total/5), done: make(chan struct{}),
	}
}

// A tap counts for one goroutine, or by addShared for several.
type tap struct {
	meter   *meter
	each    func(value []byte)
	n       int64
	digests uint64
	_       [64]byte // taps of different goroutines share no cache line
}

func (m *meter) tap() *tap {
	t := &tap{meter: m, each: m.each}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taps = append(m.taps, t)
	return t
}

// tapped is how many taps there are.
func (m *meter) tapped() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.taps)
}

func (m *meter) newTaps(n int) []*tap {
	taps := make([]*tap, n)
	for i := range taps {
		taps[i] = m.tap()
	}
	return taps
}

func (t *tap) add(value []byte) {
	if t.each != nil {
		t.each(value)
	}
	t.digests += digest(value)
	if t.n++; t.n%chunk == 0 {
		t.meter.add(chunk)
	}
}

// addShared is add for handlers that run on many records at a time.
func (t *tap) addShared(value []byte) {
	atomic.AddUint64(&t.digests, digest(value))
	if atomic.AddInt64(&t.n, 1)%chunk == 0 {
		t.meter.add(chunk)
	}
}

func (m *meter) add(n int64) {
	now := m.count.Add(n)
	before := now - n
	if before < m.from && now >= m.from {
		m.stamp(&m.began)
	}
	if before < m.to && now >= m.to {
		m.stamp(&m.ended)
	}
	if now >= m.total {
		m.finish()
	}
}

func (m *meter) stamp(at *reading) {
	r := takeReading()
	m.mu.Lock()
	defer m.mu.Unlock()
	*at = r
}

// fail ends the measuring. Only the first call counts; nil does nothing.
func (m *meter) fail(err error) {
	if err == nil {
		return
	}
	m.mu.Lock()
	if m.fault == nil {
		m.fault = err
	}
	m.mu.Unlock()
	m.finish()
}

func (m *meter) finish() { m.once.Do(func() { close(m.done) }) }

// meterTime bounds how long a meter waits for its records.
const meterTime = time.Minute

// wait returns when all records have come.
func (m *meter) wait(ctx context.Context) error {
	limit := time.NewTimer(meterTime)
	defer limit.Stop()
	select {
	case <-m.done:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.fault
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return fmt.Errorf("%d of %d records have come within %v", m.count.Load(), m.total, meterTime)
	}
}

// cost is what a record of the stretch cost. The receivers have ended; sum is of the digests of all records.
func (m *meter) cost(sum uint64) (Cost, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var got uint64
	for _, t := range m.taps {
		got += t.digests
	}
	if got != sum {
		return Cost{}, errors.New("the consumer did not receive what was stored")
	}
	return m.ended.since(m.began, int(m.to-m.from)), nil
}
