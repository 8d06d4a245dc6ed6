package history

import (
	"slices"
	"sync"
	"time"
)

// A Recorder collects operations. Methods may be called from many goroutines.
type Recorder struct {
	begun time.Time

	mu  sync.Mutex // guards what follows
	ops []Op
}

// NewRecorder begins a history now.
func NewRecorder() *Recorder { return &Recorder{begun: time.Now(), ops: make([]Op, 0, usualOps)} }

// usualOps is how many operations a run of the workload has.
const usualOps = 512

// Add completes the operation with its place and time and keeps it.
func (r *Recorder) Add(op Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Seq, op.T = uint64(len(r.ops)+1), int64(time.Since(r.begun)) // under the lock: times have the order of the places
	r.ops = append(r.ops, op)
}

// Ops returns what was recorded so far, which must not be changed.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.ops)
}
