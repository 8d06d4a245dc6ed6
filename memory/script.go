package memory

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Script injects faults at calls that it names. The zero Script is empty; it may be added to before and while the
// backend runs, but serves one backend only. Methods may be called from many goroutines.
type Script struct {
	mu    sync.Mutex // guards what follows
	rules []*rule
	times []*timed
	errs  []error
}

// A rule is one fault of a script.
type rule struct {
	op      Op
	n       int // which of the matching calls from now on
	where   Where
	fail    error
	then    Outcome
	applied bool
	barrier *Barrier
	fired   bool
}

// A timed is a deed of a script at a time.
type timed struct {
	name  string
	after time.Duration
	do    func(*Backend) error
	fired bool
	err   error
}

// An Outcome is what becomes of the answer to a call that was carried out.
type Outcome struct {
	Delay time.Duration // the answer comes so much later
	Err   error         // the answer is this error
	Lost  bool          // there is no answer: a sink tries again, and other calls end with ErrUnknownOutcome
}

// Fail makes the n-th matching call from now on, counted from 1, fail with err without being carried out. Where err Is
// stream.ErrThrottled, a sink tries again.
func (s *Script) Fail(op Op, n int, err error, where ...Where) {
	if err == nil {
		err = errors.New("a fault of the script")
	}
	s.add(&rule{op: op, n: n, fail: err}, where)
}

// ApplyThen lets the n-th matching call be carried out, counted from 1, and then delays, falsifies or loses its answer.
// To its caller the outcome is unknown.
func (s *Script) ApplyThen(op Op, n int, then Outcome, where ...Where) {
	s.add(&rule{op: op, n: n, then: then, applied: true}, where)
}

// PauseNext holds the next matching call before it is carried out, until the barrier is released or the call's context
// ends.
func (s *Script) PauseNext(op Op, where ...Where) *Barrier {
	b := &Barrier{}
	s.add(&rule{op: op, n: 1, barrier: b}, where)
	return b
}

// At does something to the backend when so much time has passed since it was opened: Split, Abandon, Trim. Name says
// what in the errors of Unfired. It must be called before Open.
func (s *Script) At(after time.Duration, name string, do func(*Backend) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, &timed{name: name, after: after, do: do})
}

func (s *Script) add(r *rule, where []Where) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.op.check(); err != nil {
		s.errs = append(s.errs, err)
		return
	}
	if r.n < 1 {
		s.errs = append(s.errs, fmt.Errorf("%w: call %d of %s, calls count from 1", stream.ErrInvalid, r.n, r.op))
		return
	}
	if len(where) > 1 {
		s.errs = append(s.errs, fmt.Errorf("%w: more than one Where", stream.ErrInvalid))
		return
	}
	if len(where) == 1 {
		r.where = where[0]
	}
	s.rules = append(s.rules, r)
}

// match counts a call against every rule and returns the first that it fires.
func (s *Script) match(op Op, at Where) *rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hit *rule
	for _, r := range s.rules {
		if r.fired || r.op != op || !r.where.matches(at) {
			continue
		}
		if r.n > 1 {
			r.n--
			continue
		}
		if hit == nil {
			r.fired = true
			hit = r
		}
	}
	return hit
}

// Unfired returns an error that names every fault that has not fired, every mistake in the script, and every deed of At
// that failed; nil if there is none. A test that ends with an unfired fault has not tested what it says.
func (s *Script) Unfired() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := append([]error(nil), s.errs...)
	for _, r := range s.rules {
		if !r.fired {
			errs = append(errs, fmt.Errorf("the fault at %s never fired", strings.TrimSpace(string(r.op)+" "+r.where.String())))
		}
	}
	for _, t := range s.times {
		switch {
		case !t.fired:
			errs = append(errs, fmt.Errorf("%s, due after %v, never happened", t.name, t.after))
		case t.err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", t.name, t.err))
		}
	}
	return errors.Join(errs...)
}

// A TB is what Check needs of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check fails the test if Unfired is an error.
func (s *Script) Check(t TB) {
	t.Helper()
	if err := s.Unfired(); err != nil {
		t.Errorf("the script did not run as written: %v", err)
	}
}

// start sets the timers of At.
func (s *Script) start(b *Backend) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.times {
		b.clock.after(t.after, func() {
			err := t.do(b)
			s.mu.Lock()
			defer s.mu.Unlock()
			t.fired, t.err = true, err
		})
	}
}

// A Barrier holds one call. Methods may be called from many goroutines.
type Barrier struct {
	mu       sync.Mutex // guards what follows
	entered  chan struct{}
	released chan struct{}
	came     bool
	open     bool
}

// channels makes the channels when they are first used: a script may be written outside of the testing/synctest bubble
// in which it runs, and channels may not.
func (b *Barrier) channels() (entered, released chan struct{}) {
	if b.entered == nil {
		b.entered, b.released = make(chan struct{}), make(chan struct{})
	}
	return b.entered, b.released
}

// Entered is closed when the call has come to the barrier.
func (b *Barrier) Entered() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	entered, _ := b.channels()
	return entered
}

// Wait waits until the call has come to the barrier.
func (b *Barrier) Wait() { <-b.Entered() }

// Release lets the call go on. A second Release does nothing.
func (b *Barrier) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, released := b.channels(); !b.open {
		b.open = true
		close(released)
	}
}

// enter is the call's arrival; it returns what the call waits for.
func (b *Barrier) enter() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	entered, released := b.channels()
	if !b.came {
		b.came = true
		close(entered)
	}
	return released
}
