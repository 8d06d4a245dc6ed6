package stream

import (
	"context"
	"sync"
	"time"
)

// patience is a context that ends with its parent or when a wait is over, and whose wait can be set anew. A loop of
// batches needs a new deadline at each iteration; contexts of package context would cost it several allocations each.
type patience struct {
	context.Context // the parent
	unlink          func() bool

	mu      sync.Mutex // guards what follows
	done    chan struct{}
	err     error
	until   time.Time
	timer   *time.Timer
	setting int // counts arm: an alarm of an earlier setting is ignored
}

func newPatience(parent context.Context) *patience {
	w := &patience{Context: parent, done: make(chan struct{})}
	w.unlink = context.AfterFunc(parent, func() { w.finish(0, parent.Err()) })
	return w
}

// arm sets the wait anew. It is not called while the context is in use.
func (w *patience) arm(wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == context.DeadlineExceeded && w.Context.Err() == nil {
		w.err, w.done = nil, make(chan struct{})
	}
	w.setting++
	w.until = time.Now().Add(wait)
	if w.timer != nil {
		w.timer.Stop()
	}
	setting := w.setting
	w.timer = time.AfterFunc(wait, func() { w.finish(setting, context.DeadlineExceeded) })
}

// finish ends the context for good (setting 0), or for the wait that was set as the setting-th.
func (w *patience) finish(setting int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if setting != 0 && setting != w.setting || w.err == err {
		return
	}
	if w.err == nil {
		close(w.done)
	}
	w.err = err
}

// end frees what the context holds.
func (w *patience) end() {
	w.unlink()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setting++
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Done, Err and Deadline are those of a context.
func (w *patience) Done() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

func (w *patience) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *patience) Deadline() (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until, true
}
