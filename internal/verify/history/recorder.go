package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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
func NewRecorder() *Recorder { return &Recorder{begun: time.Now()} }

// Add completes the operation with its place and time and keeps it.
func (r *Recorder) Add(op Op) {
	t := time.Since(r.begun)
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Seq, op.T = uint64(len(r.ops)+1), int64(t)
	r.ops = append(r.ops, op)
}

// Ops returns a copy of what was recorded so far.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Op(nil), r.ops...)
}

// Write writes the operations, one JSON object a line.
func Write(w io.Writer, ops []Op) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	for i := range ops {
		if err := enc.Encode(&ops[i]); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	return b.Flush()
}

// Read reads what Write wrote.
func Read(r io.Reader) ([]Op, error) {
	dec := json.NewDecoder(bufio.NewReader(r))
	var ops []Op
	for {
		var op Op
		err := dec.Decode(&op)
		if err == io.EOF {
			return ops, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read history after operation %d: %w", len(ops), err)
		}
		ops = append(ops, op)
	}
}
