package kafkago

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// scoutWait is how long the broker may wait with the answer to a leader's second fetch.
const scoutWait = 25 * time.Millisecond

// restless is how long a leader is left alone that answered nothing before it should have: it would be asked without end.
const restless = 10 * time.Millisecond

// A leader is a broker that leads partitions. Of its two fetches the main one lets the broker wait until there are records.
// Partitions that become ready meanwhile go into the scout, which lets it wait briefly, so that they need wait for neither.
// When nothing comes, both merge into the next main.
type leader struct {
	main, scout *trip
	rested      bool      // the last main brought nothing
	quiet       time.Time // nothing is sent before
	ready       []*place
}

// A trip is a fetch that is under way.
type trip struct {
	to     int32 // the leader
	cancel context.CancelFunc
	begun  time.Time
	wait   time.Duration
}

// A wanted is one partition of a fetch.
type wanted struct {
	place *place
	at    engine.Offset
}

// A haul is what became of a fetch.
type haul struct {
	trip     *trip
	asked    []wanted
	brought  []brought // one for each asked
	throttle time.Duration
	err      error
}

// launch sends the fetches that can be sent, and returns after what time there may be more.
func (f *fetcher) launch(now time.Time) time.Duration {
	due := f.every
	for _, l := range f.leaders {
		l.ready = l.ready[:0]
	}
	for _, at := range f.places {
		yes, after := at.ready(now)
		if after = max(after, at.strayed(now)); after > 0 {
			due = min(due, after)
		}
		if !yes {
			continue
		}
		l := f.leaders[at.leader]
		if l == nil {
			l = &leader{}
			f.leaders[at.leader] = l
		}
		l.ready = append(l.ready, at)
	}
	for id, l := range f.leaders {
		wait := l.quiet.Sub(now)
		switch {
		case len(l.ready) == 0:
		case wait > 0:
			due = min(due, wait)
		case l.main == nil && l.scout != nil && l.rested: // soon both begin as one
		case l.main == nil:
			l.main = f.send(id, l.ready, f.settings.FetchMaxWait, now)
		case l.scout == nil:
			l.scout = f.send(id, l.ready, min(scoutWait, f.settings.FetchMaxWait), now)
		}
	}
	return due
}

// landed makes room for the next fetch.
func (f *fetcher) landed(a haul, now time.Time) {
	for _, one := range a.asked {
		one.place.trip = nil
	}
	empty := a.err == nil
	for i := range a.brought {
		empty = empty && a.brought[i].next.At <= a.asked[i].at.At && a.brought[i].code == 0
	}
	l := f.leaders[a.trip.to]
	switch a.trip {
	case l.main:
		l.main, l.rested = nil, empty
	case l.scout:
		l.scout = nil
	}
	l.quiet = now.Add(a.throttle)
	if early := a.trip.wait/2 - now.Sub(a.trip.begun); empty && early > 0 {
		l.quiet = now.Add(max(a.throttle, min(early, restless)))
	}
	if l.main == nil && l.scout == nil && !f.leads(a.trip.to) {
		delete(f.leaders, a.trip.to)
	}
}

func (f *fetcher) leads(id int32) bool {
	for _, at := range f.places {
		if at.leader == id {
			return true
		}
	}
	return false
}

// send asks for partitions, those first that brought nothing for longest: a broker fills its answer in this order.
func (f *fetcher) send(to int32, ready []*place, wait time.Duration, now time.Time) *trip {
	slices.SortFunc(ready, func(a, b *place) int { return cmp.Compare(a.turn, b.turn) })
	ctx, cancel := context.WithTimeout(f.base, wait+f.settings.RequestOverhead)
	sent := &trip{to: to, cancel: cancel, begun: now, wait: wait}
	all := make([]wanted, len(ready))
	for i, at := range ready {
		at.trip = sent
		all[i] = wanted{place: at, at: at.next}
	}
	call := f.call(to, all, wait)
	transport := f.transport
	f.helpers.Go(func() {
		defer cancel()
		a := haul{trip: sent, asked: all}
		got, err := transport.RoundTrip(ctx, f.lines.seeds(), call)
		if err != nil {
			a.err = patient(err)
		} else {
			f.read(&a, got.(*fetchAnswer))
		}
		select {
		case f.answers <- a:
		case <-f.base.Done():
		}
	})
	return sent
}

// errSilent says that a broker did not answer within Settings.RequestOverhead, and what the request itself allowed it.
var errSilent = errors.New("a broker did not answer in time")

// patient tells the end of the time for a request, which is not the caller's.
func patient(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errSilent
	}
	return err
}

// call makes the request.
func (f *fetcher) call(to int32, all []wanted, wait time.Duration) *fetchCall {
	const (
		consumer  = -1 // no replica
		noSession = -1 // KIP-227
		unknown   = -1
	)
	c := &fetchCall{to: to, id: f.lines.id, most: f.settings.ReadBytes, Request: fetch.Request{
		ReplicaID: consumer, MaxWaitTime: int32(wait.Milliseconds()), MinBytes: f.settings.FetchMinBytes,
		MaxBytes: f.settings.FetchMaxBytes, SessionEpoch: noSession,
	}}
	if !f.settings.Uncommitted && !mutated("what is not committed yet is delivered") {
		c.IsolationLevel = 1
	}
	for _, one := range all {
		p := one.place.p
		if n := len(c.Topics); n == 0 || c.Topics[n-1].Topic != p.Topic {
			c.Topics = append(c.Topics, fetch.RequestTopic{Topic: p.Topic})
		}
		topic := &c.Topics[len(c.Topics)-1]
		topic.Partitions = append(topic.Partitions, fetch.RequestPartition{
			Partition: p.Number, CurrentLeaderEpoch: unknown, FetchOffset: one.at.At, LogStartOffset: unknown,
			PartitionMaxBytes: f.settings.PartitionBytes,
		})
	}
	return c
}

// read decodes what came.
func (f *fetcher) read(a *haul, got *fetchAnswer) {
	a.throttle = min(time.Duration(got.throttle)*time.Millisecond, outage)
	if err := engine.Failed(got.code, nil); err != nil {
		a.err = err
		return
	}
	a.brought = make([]brought, len(a.asked))
	of := make(map[engine.Partition]int, len(a.asked))
	for i := range a.asked {
		a.brought[i].next = a.asked[i].at
		of[a.asked[i].place.p] = i
	}
	for i := range got.parts {
		part := &got.parts[i]
		if at, ok := of[part.p]; ok {
			a.brought[at] = decode(part, a.asked[at].at, f.expander, f.settings.Uncommitted)
		}
	}
}
