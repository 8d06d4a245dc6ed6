package kafkago

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	// noBroker leads a place whose leader is not known.
	noBroker = -1
	// deletedAfter inspections a topic that metadata does not know counts as deleted. Until then it may be a broker that
	// does not know it yet.
	deletedAfter = 3
	// outage is how long a place waits for a leader, or for one that can be reached, before it is told as broken. It is
	// longer than a cluster takes to notice that a broker is gone.
	outage = 30 * time.Second
	// mostStuck answers in a row that hold bytes, but no whole batch that moves the offset, are taken for damage.
	mostStuck = 3
)

// A place is a partition that is being read, from Add to the next Add or Remove.
type place struct {
	p      engine.Partition
	name   string // the partition's, made once
	topic  *subject
	next   engine.Offset
	number int64
	leader int32  // a broker, or noBroker
	epoch  int32  // of the leader
	turn   uint64 // when it brought something last: who brought nothing for longest comes first
	trip   *trip  // by which it is being fetched; nil: by none
	paused bool
	idle   time.Time // since when it is paused
	still  bool      // broken: nothing more of it is told
	stuck  int       // answers in a row that moved nothing

	tries   int       // failures in a row
	since   time.Time // of the first of them
	later   time.Time // it is not fetched before
	charted bool      // metadata was looked at for it
	absent  time.Time // since then metadata does not know it; zero: it does
}

// ready reports whether it can be fetched now, or else after what time; 0: not before something else happens.
func (at *place) ready(now time.Time) (yes bool, after time.Duration) {
	if at.trip != nil || at.paused || at.still || at.leader == noBroker || at.topic.suspect {
		return false, 0
	}
	if wait := at.later.Sub(now); wait > 0 {
		return false, wait
	}
	return true, 0
}

// hold pauses or resumes. During a long pause the topic may have been made anew, and no fetch would tell.
func (at *place) hold(pause bool, now time.Time) {
	switch {
	case pause && !at.paused:
		at.idle = now
	case !pause && at.paused:
		at.well() // what failed before the pause says nothing of now
		if now.Sub(at.idle) >= longPause {
			at.topic.doubt()
		}
	}
	at.paused = pause
}

// well forgets failures.
func (at *place) well() { at.tries, at.since, at.later = 0, time.Time{}, time.Time{} }

// failing notes a failure that may pass, and tells it if it has not passed for long.
func (f *fetcher) failing(at *place, err error, now time.Time) {
	if at.still {
		return
	}
	if at.since.IsZero() {
		at.since = now
	}
	told := mapped(err)
	if isFinal(told) || now.Sub(at.since) >= outage {
		f.breakUp(at, told)
		return
	}
	at.tries++
	at.later = now.Add(fetchBackoff(at.tries))
}

// isFinal reports whether trying again is in vain.
func isFinal(err error) bool {
	for _, final := range []error{
		stream.ErrUnauthorized, stream.ErrUnsupported, stream.ErrInvalid, stream.ErrTooLarge,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// fetchBackoff is how long a place waits after so many failures.
func fetchBackoff(failures int) time.Duration {
	const first, longest = 50 * time.Millisecond, 500 * time.Millisecond
	backoff := min(first<<min(failures-1, 10), longest)
	return backoff - rand.N(backoff/4)
}

// breakUp tells that a partition stands still, and sees to it that it does.
func (f *fetcher) breakUp(at *place, err error) {
	at.still = true
	f.receiver.Broken(at.p, engine.Denied(mapped(err), "READ", "topic "+at.p.Topic))
}

// answered hands out what a fetch brought.
func (f *fetcher) answered(a haul) {
	now := time.Now()
	f.landed(a, now)
	if a.err != nil && errors.Is(a.err, context.Canceled) {
		return // it was given up here
	}
	for i := range a.asked {
		at := a.asked[i].place
		if f.places[at.p] != at || at.still {
			continue
		}
		if a.err != nil {
			f.failing(at, a.err, now)
			continue
		}
		f.fetched(at, &a.brought[i], now)
	}
}

// fetched tells one partition's records, and then the error that ended them.
func (f *fetcher) fetched(at *place, b *brought, now time.Time) {
	if b.code != 0 {
		f.refused(at, b.code, now)
		return
	}
	at.well()
	at.topic.met = true
	if b.next.At > at.next.At {
		f.served++
		at.next, at.turn = b.next, f.served
		f.receiver.Fetched(at.p, engine.Block{
			Records: b.records(at), Bytes: b.bytes, Next: b.next, Stable: b.stable, Oldest: b.oldest, Added: at.number,
		})
	}
	if !b.stuck {
		at.stuck = 0
	} else if at.stuck++; at.stuck >= mostStuck {
		f.breakUp(at, errStuck)
	}
	if b.err != nil {
		f.breakUp(at, b.err)
	}
}

// refused acts on an error code of one partition.
func (f *fetcher) refused(at *place, code engine.Code, now time.Time) {
	err := engine.Failed(int16(code), nil)
	switch code {
	case engine.OffsetOutOfRange:
		if mutated("out of range jumps to the log's start") {
			at.next = engine.Offset{Epoch: -1}
			return
		}
		f.breakUp(at, err)
	case engine.UnknownTopic, engine.UnknownTopicID:
		at.topic.doubt()
		f.failing(at, err, now)
	case engine.NoLeader, engine.NotLeader, engine.OffsetNotAvailable:
		at.topic.due = true
		f.failing(at, err, now)
	case 7, 8, 9, 13, 56, 74, 75, 89: // too slow, not there, a bad disk, another epoch, a quota: all of the moment
		f.failing(at, err, now)
	default:
		f.breakUp(at, err)
	}
}
