package streamtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A T is one rule being tried on one backend.
//
// Methods may be called from many goroutines, unless they end the rule: fatal, ok, cannot, needs and what calls them
// belong to the goroutine that runs it.
type T struct {
	Harness
	tb       testing.TB
	ctx      context.Context // ends when the rule has taken too long
	rule     rule
	troubled bool // the backend is the one in Trouble

	mu       sync.Mutex // guards what follows
	failures []string
	reasons  []string // why it, or a part of it, could not be tried
	untried  bool     // nothing, or nothing that counts, could be tried
	absent   []string // what it is about is not claimed, and refused
	answers  []answer
	cleanups []func()
	streams  int
}

// An answer is what a backend said to a question, in words that do not depend on chance.
type answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// fail says that the backend breaks the rule.
func (t *T) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

// fatal is fail, and ends the rule.
func (t *T) fatal(format string, args ...any) {
	t.fail(format, args...)
	runtime.Goexit()
}

// cannot says why the rule, or what is left of it, cannot be tried here, and ends it.
func (t *T) cannot(format string, args ...any) {
	t.partly(format, args...)
	t.mu.Lock()
	t.untried = true
	t.mu.Unlock()
	runtime.Goexit()
}

// notClaimed says that the rule is about what the backend does not claim and has just refused, and ends it.
func (t *T) notClaimed(capability string) {
	t.mu.Lock()
	t.absent = append(t.absent, capability+" is not claimed, and asking for it is refused")
	t.mu.Unlock()
	runtime.Goexit()
}

// partly says why a part of the rule cannot be tried here; the rule goes on.
func (t *T) partly(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reasons = append(t.reasons, fmt.Sprintf(format, args...))
}

// ok ends the rule unless err is nil.
func (t *T) ok(err error, what string, args ...any) {
	if err != nil {
		t.fatal("%s: %v", fmt.Sprintf(what, args...), err)
	}
}

// is fails unless err Is target; a target of nil stands for no error.
func (t *T) is(err, target error, what string, args ...any) {
	switch {
	case target == nil && err != nil:
		t.fail("%s: want no error, got %v", fmt.Sprintf(what, args...), err)
	case target != nil && !errors.Is(err, target):
		t.fail("%s: want an error that Is %q, got %v", fmt.Sprintf(what, args...), target, err)
	}
}

// check fails unless ok.
func (t *T) check(ok bool, format string, args ...any) {
	if !ok {
		t.fail(format, args...)
	}
}

// answer records what the backend said, for Same. An error is recorded by its sentinel.
func (t *T) answer(question string, value any) {
	text := fmt.Sprint(value)
	if err, isError := value.(error); isError || value == nil {
		text = classOf(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers = append(t.answers, answer{question, text})
}

// classOf names the sentinel of an error; no error is "accepted".
func classOf(err error) string {
	if err == nil {
		return "accepted"
	}
	var classes []string
	for _, class := range []error{
		stream.ErrLost, stream.ErrExpired, stream.ErrUnknownOutcome, stream.ErrUnsupported,
		stream.ErrClosed, stream.ErrTooLarge,
		stream.ErrInvalid, stream.ErrThrottled, stream.ErrUnauthorized, stream.ErrNotFound,
		stream.ErrCorrupt, stream.ErrGrace,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, class) {
			classes = append(classes, class.Error())
		}
	}
	if classes == nil {
		return "an error without sentinel"
	}
	return strings.Join(classes, " and ")
}

// cleanup has f run when the rule is over, the last one first.
func (t *T) cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// needs ends the rule if an ability of the harness is missing. It is called with whether it is there.
func (t *T) needs(there bool, ability string) {
	if !there {
		t.cannot("the harness has no %s", ability)
	}
}

// How long a rule may take: its context ends first, and later the suite gives up on it. Time in a bubble costs nothing.
const (
	patience       = 2 * time.Minute
	despair        = 3 * time.Minute
	bubblePatience = 10 * 24 * time.Hour
	bubbleDespair  = 11 * 24 * time.Hour
)

// A verdict is what a rule came to on a backend.
type verdict struct {
	rule     rule
	failures []string
	reasons  []string
	untried  bool
	absent   []string
	answers  []answer
}

// try runs one rule on a backend of its own, in a bubble if the harness allows.
func try(t *testing.T, open func(testing.TB) Harness, bubble bool, r rule) (v verdict) {
	v.rule = r
	if !bubble {
		v = tryOnce(t, open, r)
		return v
	}
	defer func() {
		if p := recover(); p != nil { // goroutines were left behind, or all of them wait for each other
			v.failures = append(v.failures, fmt.Sprint(p))
		}
	}()
	inBubble(t, func(t *testing.T) { v = tryOnce(t, open, r) })
	return v
}

// tryOnce is try, in the bubble if there is one.
func tryOnce(tb testing.TB, open func(testing.TB) Harness, r rule) verdict {
	t := &T{Harness: open(tb).withDefaults(), tb: tb, rule: r}
	limit := patience
	if t.Bubble {
		limit = bubblePatience
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	t.ctx = ctx
	t.closes(t.Backend)
	returned := t.guard(func() { r.run(t) })
	if returned {
		for len(t.cleanups) > 0 {
			f := t.lastCleanup()
			if !t.guard(f) {
				break
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return verdict{
		rule: r, failures: slices.Clone(t.failures), reasons: slices.Clone(t.reasons),
		untried: t.untried, absent: slices.Clone(t.absent),
		answers: slices.Clone(t.answers),
	}
}

// closes has a backend closed when the rule is over.
func (t *T) closes(b stream.Backend) {
	t.cleanup(func() {
		if err := b.Close(); err != nil {
			t.fail("the backend's Close, after the rule: %v", err)
		}
	})
}

// inTrouble runs f on a backend whose service is in trouble, and ends it there if it ends the rule.
func (t *T) inTrouble(f func(t *T)) {
	if t.Trouble == nil {
		t.partly("the harness has no Trouble: nothing was refused or lost on its way")
		return
	}
	calm := t.Harness
	defer func() { t.Harness, t.troubled = calm, false }()
	t.Harness = Harness{Backend: calm.Trouble(t.tb), Bubble: calm.Bubble, Pass: calm.Pass}.withDefaults()
	t.troubled = true
	t.closes(t.Backend)
	f(t)
}

// twice reports whether records of a stream may be stored twice.
func (t *T) twice(name string) bool { return t.troubled && !t.claims(name, "IdempotentProduce") }

// guard runs f on a goroutine that may exit, and reports whether it has ended in time.
func (t *T) guard(f func()) bool {
	limit := despair
	if t.Bubble {
		limit = bubbleDespair
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer func() {
			if p := recover(); p != nil {
				t.fail("panic: %v\n%s", p, stack(false))
			}
		}()
		f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-timer.C:
		t.fail("it hangs:\n%s", stack(true))
		return false
	}
}

func (t *T) lastCleanup() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.cleanups) - 1
	f := t.cleanups[last]
	t.cleanups = t.cleanups[:last]
	return f
}

// stack is the stack of this goroutine, or of all that concern package stream.
func stack(all bool) string {
	const longest = 1 << 20
	b := make([]byte, longest)
	stacks := strings.Split(string(b[:runtime.Stack(b, all)]), "\n\n")
	return strings.Join(slices.DeleteFunc(stacks, func(s string) bool {
		return all && (strings.Contains(s, "testing.tRunner(") || !strings.Contains(s, "streamport/stream"))
	}), "\n\n")
}

// text is what a broken rule says.
func (v verdict) text() string {
	return v.rule.name + ": " + v.rule.sentence + "\n\tbut: " + strings.Join(v.failures, "\n\tand: ")
}
