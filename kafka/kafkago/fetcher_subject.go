package kafkago

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	// longPause is for how long nothing of a partition is fetched before its topic is looked at again first.
	longPause = 5 * time.Second
	// identifyAgain is when a topic is asked for again that no broker could tell.
	identifyAgain = 100 * time.Millisecond
)

// A subject is a topic, one by its id (KIP-516). Fetches name it by its name, as kafka-go knows no ids in them, so that one that was
// deleted and made anew would be read on at the old one's offset. A topic that is deleted answers its fetches with errors;
// after these the id is compared, before anything more is read.
type subject struct {
	name    string
	id      [16]byte
	known   bool // the id
	met     bool // something of it was fetched
	due     bool // the id is to be asked for
	asking  bool
	suspect bool // nothing is fetched before the id was compared
	later   time.Time
}

// doubt sees to it that nothing is fetched before the id was compared. Brokers that are too old tell none.
func (t *subject) doubt() { t.due, t.suspect = true, true }

// trust goes on fetching.
func (t *subject) trust() { t.due, t.suspect = false, false }

// A naming is what a topic's id was found to be.
type naming struct {
	topic *subject
	id    [16]byte
	err   error
}

// identify asks for ids that are due, and returns after what time more may be.
func (f *fetcher) identify(now time.Time) time.Duration {
	soon := f.every
	for name, t := range f.topics {
		switch wait := t.later.Sub(now); {
		case !t.due || t.asking || !f.reads(t):
		case wait > 0:
			soon = min(soon, wait)
		default:
			t.asking = true
			f.helpers.Go(func() { f.ask(name, t) })
		}
	}
	return soon
}

// reads reports whether anything of a topic is still to be read.
func (f *fetcher) reads(t *subject) bool {
	for _, at := range f.places {
		if at.topic == t && !at.still {
			return true
		}
	}
	return false
}

func (f *fetcher) ask(name string, t *subject) {
	ctx, cancel := context.WithTimeout(f.base, f.settings.RequestOverhead)
	defer cancel()
	i := naming{topic: t}
	got, err := f.lines.ask(ctx, "", &identityRequest{topic: name})
	if err != nil {
		i.err = patient(err)
	} else {
		told := got.(*identityResponse)
		_, i.err = the(told.Topics, name)
		i.id = told.ids[name]
	}
	select {
	case f.named <- i:
	case <-f.base.Done():
	}
}

// identified compares an id.
func (f *fetcher) identified(i naming) {
	t := i.topic
	t.asking = false
	switch none := [16]byte{}; {
	case f.topics[t.name] != t: // it is another Add's now
	case errors.Is(mapped(i.err), stream.ErrUnsupported), i.err == nil && i.id == none:
		t.trust()
	case i.err != nil:
		f.unnamed(t, i.err)
	default:
		// One that was gone before its id was known may be another as well.
		other := t.known && i.id != t.id || !t.known && t.met && t.suspect
		t.id, t.known = i.id, true
		t.trust()
		if other && !mutated("a topic made anew is read on") {
			f.anew(t)
		}
	}
}

// unnamed asks again, as long as something is read. What waits for the answer does not wait for ever.
func (f *fetcher) unnamed(t *subject, err error) {
	now, read := time.Now(), false
	t.later = now.Add(identifyAgain)
	for _, at := range f.places {
		if at.topic != t || at.still {
			continue
		}
		read = true
		if t.suspect && at.trip == nil {
			f.failing(at, err, now)
		}
	}
	if !read {
		t.trust()
	}
}

// anew tells that a topic is no longer the one that was added.
func (f *fetcher) anew(t *subject) {
	for _, at := range f.places {
		if at.topic == t && !at.still {
			f.breakUp(at, engine.Failed(int16(engine.UnknownTopicID), nil))
		}
	}
}
