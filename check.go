package streamport

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// A check finds what is wrong with a configuration as a whole: every section by its own backend's rules. Backends know
// nothing of files, so which key is to blame is found by leaving keys out: the one without which an error goes away.
type check struct {
	lookup  func(string) (string, bool)
	decoder *confdoc.Decoder
}

// Bounds on the search, which asks a backend once for each key and round. Beyond them errors are placed at their section.
const (
	maxRounds = 4
	maxAsked  = 500
)

func (k check) run(root *confdoc.Node, c *Config) {
	if _, ok := find(c.Backend); !ok && !k.refused("backend") {
		k.decoder.Refuse("backend", unknownBackend(c.Backend), nil)
	}
	for _, b := range backends {
		if b.written(c) {
			k.section(root, b)
		}
	}
}

// refused reports whether a mistake about the key, or about one below it, is known already from reading it.
func (k check) refused(path string) bool {
	return slices.ContainsFunc(k.decoder.Mistakes(), func(m confdoc.Mistake) bool {
		below, ok := strings.CutPrefix(m.Path, path)
		return ok && m.Err == nil && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

// section reports what is wrong in the section of b. A backend may stop at the first stage of its checks, so what is to
// blame is taken out and the backend asked again.
func (k check) section(root *confdoc.Node, b backend) {
	for range maxRounds {
		found := k.ask(root, b)
		if len(found.errs) == 0 {
			return
		}
		t := trial{check: k, root: root, backend: b, found: found, without: map[string]findings{}}
		repaired := root
		for _, err := range found.errs {
			guilty := cmp.Or(t.blame(b.name, err, true), t.blame(b.name, err, false))
			if guilty == "" {
				k.decoder.Refuse(b.name, message(err), err)
				continue
			}
			if !k.refused(guilty) { // else err is in the wake of that mistake
				k.decoder.Refuse(guilty, message(err), err)
			}
			repaired = repaired.Without(guilty)
		}
		if repaired == root {
			return
		}
		root = repaired
	}
}

// A trial looks for the keys that a section's errors hang on.
type trial struct {
	check
	root    *confdoc.Node
	backend backend
	found   findings
	without map[string]findings // by path of what was left out, for as many as maxAsked
}

// blame returns what below path, left out, makes err go away: the innermost, and of several the last; "" if there is
// nothing. Strictly, no other error of the same stage may come instead.
func (t trial) blame(path string, err error, strict bool) string {
	for _, child := range slices.Backward(t.children(path)) {
		after, ok := t.ask(child)
		if !ok || slices.ContainsFunc(after.errs, same(err)) {
			continue
		}
		if inner := t.blame(child, err, strict); inner != "" {
			return inner
		}
		isNew := func(e error) bool { return !slices.ContainsFunc(t.found.errs, same(e)) }
		if !strict || after.opened && !t.found.opened || !slices.ContainsFunc(after.errs, isNew) {
			return child
		}
	}
	return ""
}

// children lists the keys or items right below path.
func (t trial) children(path string) []string {
	var all []string
	for _, p := range t.decoder.Paths() {
		if below, ok := strings.CutPrefix(p, path); ok && strings.LastIndexAny(below, ".[") == 0 {
			all = append(all, p)
		}
	}
	return all
}

// ask returns what is wrong without the key or item at path.
func (t trial) ask(path string) (findings, bool) {
	if known, ok := t.without[path]; ok {
		return known, true
	}
	if len(t.without) == maxAsked {
		return findings{}, false
	}
	t.without[path] = t.check.ask(t.root.Without(path), t.backend)
	return t.without[path], true
}

// findings are the errors of one stage of a backend's checks.
type findings struct {
	errs   []error
	opened bool // the stage is the second: the simulator was asked
}

// ask decodes the tree and asks b for every error in its section: the backend itself, and if it has none the simulator
// that would be opened for it.
func (k check) ask(root *confdoc.Node, b backend) findings {
	c := new(Config)
	confdoc.NewDecoder(schema(), k.lookup).Decode(root, c)
	simulated, err := b.simulate(c, 0)
	if err != nil {
		return findings{errs: flatten(err)}
	}
	simulated.Replay = false // it would sleep
	m, err := memory.Open(context.Background(), simulated)
	if err != nil {
		return findings{flatten(err), true}
	}
	return findings{flatten(m.Close()), true}
}

func same(a error) func(error) bool {
	return func(b error) bool { return a.Error() == b.Error() }
}

// flatten lists the errors that errors.Join put together, each with the stream that it is about.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	var placed *stream.Error
	if errors.As(err, &placed) && placed == err {
		inner := flatten(placed.Err)
		if placed.Stream == "" {
			return inner
		}
		for i, e := range inner {
			inner[i] = &stream.Error{Op: "stream", Stream: placed.Stream, Err: e}
		}
		return inner
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// message is the error without the word that every mistake would repeat.
func message(err error) string {
	return strings.Replace(err.Error(), stream.ErrInvalid.Error()+": ", "", 1)
}
