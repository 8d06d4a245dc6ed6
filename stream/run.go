package stream

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// What Run takes beyond Grace, less than a second in all; see RunGrace.
const (
	overdueTime = 200 * time.Millisecond // for a handler whose context was cancelled with ErrGrace
	settleTime  = 200 * time.Millisecond // to save and release, at least
	leaveTime   = 300 * time.Millisecond // to leave the group, at least
)

// How long a hold that was lost in words waits before its partition is granted again.
const (
	regrantFirst = 100 * time.Millisecond
	regrantLast  = 30 * time.Second
)

// run is one Consumer.Run.
type run struct {
	*consumer
	handler Handler
	stop    context.CancelFunc // ends the run as the end of its context does
	holds   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	faults  []error
	number  uint64                          // of the next hold
	backoff map[CheckpointKey]time.Duration // of partitions lost in words
	epochs  map[CheckpointKey]int64         // the last epoch that a Checkpointer gave for each
}

func newRun(c *consumer, h Handler) *run {
	return &run{
		consumer: c, handler: h, number: rand.Uint64(),
		backoff: map[CheckpointKey]time.Duration{}, epochs: map[CheckpointKey]int64{},
	}
}

func (r *run) serve(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	r.stop = stop
	source, err := r.backend.OpenSource(running, r.source())
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return wrap("join", "", "", err)
	}
	for {
		claim, err := source.Next(running)
		if err != nil {
			r.nextFailed(running, err)
			break
		}
		r.holds.Go(func() { newHold(r, claim).serve(ctx, running) })
	}
	ended := time.Now()
	r.holds.Wait()
	wait := max(r.config.Grace+overdueTime+settleTime-time.Since(ended), 0) + leaveTime
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer cancel()
	err = source.Close(leaving)
	if err != nil && !errors.Is(err, ErrClosed) {
		r.fail(wrap("leave", "", "", err))
	}
	return r.result()
}

// nextFailed tells an end from a failure.
func (r *run) nextFailed(running context.Context, err error) {
	if errors.Is(err, io.EOF) || running.Err() != nil && !errors.Is(err, ErrClosed) {
		return
	}
	r.fail(wrap("join", "", "", err))
}

// fail stops the run; Run returns err, or nil if nothing has failed.
func (r *run) fail(err error) {
	if err != nil {
		r.mu.Lock()
		r.faults = append(r.faults, err)
		r.mu.Unlock()
	}
	r.stop()
}

func (r *run) result() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) == 1 {
		return r.faults[0]
	}
	return errors.Join(r.faults...)
}

// nextNumber numbers the holds of this process apart, as well as 24 bits can; see delivery.go.
func (r *run) nextNumber() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	return r.number
}

// regrantAfter gives the wait before a partition that was lost in words is released, and doubles it.
func (r *run) regrantAfter(key CheckpointKey) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait := max(r.backoff[key], regrantFirst)
	r.backoff[key] = min(2*wait, regrantLast)
	return wait
}

// progressed forgets that the partition was ever lost in words.
func (r *run) progressed(key CheckpointKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.backoff, key)
}

// newEpoch reports whether the epoch is later than all that the partition had in this run.
func (r *run) newEpoch(key CheckpointKey, epoch int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch <= r.epochs[key] {
		return false
	}
	r.epochs[key] = epoch
	return true
}
