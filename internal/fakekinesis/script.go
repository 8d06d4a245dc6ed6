package fakekinesis

import (
	"maps"
	"sync"
	"time"
)

// A Script is what goes wrong at a service, and the record of what was called. Methods may be called from many goroutines.
type Script struct {
	seed uint64

	mu     sync.Mutex // guards what follows
	lines  []*line
	calls  map[string]int
	pauses []*Pause
}

// A Call is what a script sees of a request.
type Call struct {
	Op       string
	Resource string // the stream's or the table's name; "" if the call has none
	Item     string // the shard's id or the lease key; "" if the call has none
}

// line is a fault and how far it has come.
type line struct {
	Fault
	seen  int // calls that it selected
	fired int
}

// NewScript makes a script in which nothing goes wrong.
func NewScript(seed uint64) *Script { return &Script{seed: seed, calls: map[string]int{}} }

// Add lets things go wrong from now on. The first fault that fires decides a call; delays add up with it.
func (s *Script) Add(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.lines = append(s.lines, &line{Fault: f})
	}
}

// Clear lets nothing go wrong any more, and forgets what did not fire.
func (s *Script) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = nil
}

// Unfired are the faults that have not happened since they were added. A test that scripts a fault asserts that it is empty.
func (s *Script) Unfired() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []Fault
	for _, l := range s.lines {
		if l.fired == 0 {
			left = append(left, l.Fault)
		}
	}
	return left
}

// Fired is how many calls went wrong, by kind, since the last Clear.
func (s *Script) Fired() map[Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fired := map[Kind]int{}
	for _, l := range s.lines {
		fired[l.Kind] += l.fired
	}
	return fired
}

// Ops counts the calls of each operation.
func (s *Script) Ops() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// outcome is what a script decides of a call.
type outcome struct {
	fault *Fault        // nil: it goes well
	wait  time.Duration // before it is done
	draw  uint64        // a random number of this call
	pause *Pause        // nil: none
}

// is reports whether the call's fault is of kind k.
func (o outcome) is(k Kind) bool { return o.fault != nil && o.fault.Kind == k }

// decide counts a call and says what becomes of it.
func (s *Script) decide(c Call) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[c.Op]++
	o := outcome{draw: mix(s.seed, word(c.Op), uint64(s.calls[c.Op])), pause: s.takePause(c)}
	for i, l := range s.lines {
		if !l.selects(c) {
			continue
		}
		l.seen++
		draw := mix(s.seed, uint64(i), uint64(l.seen))
		if l.Kind != Delay && o.fault != nil || !l.fires(draw) {
			continue
		}
		l.fired++
		wait := l.Delay
		if l.Extra > 0 {
			wait += time.Duration(mix(draw) % uint64(l.Extra))
		}
		if l.Kind == Delay {
			o.wait += wait
			continue
		}
		f := l.Fault
		f.Delay = wait
		o.fault = &f
	}
	return o
}

// fires reports whether the line's fault happens at the call that it has just seen. One whose call another fault has decided
// happens at the next.
func (l *line) fires(draw uint64) bool {
	if l.seen < l.Nth {
		return false
	}
	if l.Chance > 0 {
		return (l.Times <= 0 || l.fired < l.Times) && chance(draw, l.Chance)
	}
	return l.Times < 0 || l.fired < max(l.Times, 1)
}

// word makes a number of a text (FNV-1a).
func word(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}
