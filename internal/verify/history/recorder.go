package history

import (
	"encoding/json"
	"io"
	"slices"
	"sync"
	"time"
)

// A Recorder collects operations. Methods may be called from many goroutines.
type Recorder struct {
	begun time.Time
	file  io.Writer // nil: operations are kept in memory

	mu  sync.Mutex // guards what follows
	ops []Op
	err error // of file, the first
}

// NewRecorder begins a history now.
func NewRecorder() *Recorder { return &Recorder{begun: time.Now(), ops: make([]Op, 0, usualOps)} }

// NewFileRecorder writes each operation at once, with one call of Write, so that none is lost when the process is killed.
// Times are since begun by the machine's clock, which several processes share; Seq is left for who puts them together.
func NewFileRecorder(file io.Writer, begun time.Time) *Recorder {
	return &Recorder{begun: begun.Round(0), file: file}
}

// usualOps is how many operations a run of the workload has.
const usualOps = 512

// Add completes the operation with its place and time and keeps it.
func (r *Recorder) Add(op Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.write(op)
		return
	}
	op.Seq, op.T = uint64(len(r.ops)+1), int64(time.Since(r.begun)) // under the lock: times have the order of the places
	r.ops = append(r.ops, op)
}

// write writes one line under the lock: lines have the order of their times.
func (r *Recorder) write(op Op) {
	op.T = int64(time.Now().Round(0).Sub(r.begun))
	line, err := json.Marshal(lineOf(op))
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// Err is the first error of writing to the file.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Ops returns what was recorded so far, which must not be changed.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.ops)
}
