package streamport

import (
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

// Bounds on the search, which asks a backend once for each key and error. Beyond them errors are placed at their section.
const (
	maxRounds   = 4
	maxSuspects = 200
	maxBlamed   = 20
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
		errs, opened := k.errorsOf(root, b)
		repaired := root
		for i, err := range errs {
			guilty := b.name
			if i < maxBlamed {
				guilty = k.blame(root, b, errs, err, opened)
			}
			if guilty == b.name {
				k.decoder.Refuse(guilty, message(err), err)
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

// blame returns the path of the key or list item without which err goes away and no other error of the same stage comes:
// the innermost, and of several the last. Where there is none it returns the section.
func (k check) blame(root *confdoc.Node, b backend, before []error, err error, opened bool) string {
	guilty := b.name
	suspects := slices.DeleteFunc(slices.Clone(k.decoder.Paths()), func(path string) bool {
		return !strings.HasPrefix(path, b.name+".")
	})
	if len(suspects) > maxSuspects {
		return guilty
	}
	for _, path := range suspects {
		after, further := k.errorsOf(root.Without(path), b)
		isNew := func(e error) bool { return !slices.ContainsFunc(before, same(e)) }
		switch {
		case slices.ContainsFunc(after, same(err)):
		case further && !opened, !slices.ContainsFunc(after, isNew):
			guilty = path
		}
	}
	return guilty
}

// errorsOf decodes the tree and asks b for every error in its section: the backend itself, and if it has none the
// simulator that would be opened for it, which opened then tells.
func (k check) errorsOf(root *confdoc.Node, b backend) (errs []error, opened bool) {
	c := new(Config)
	confdoc.NewDecoder(schema(), k.lookup).Decode(root, c)
	simulated, err := b.simulate(c, 0)
	if err != nil {
		return flatten(err), false
	}
	simulated.Replay = false // it would sleep
	m, err := memory.Open(context.Background(), simulated)
	if err != nil {
		return flatten(err), true
	}
	return flatten(m.Close()), true
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
