package fakekinesis

import (
	"time"
)

const (
	subscribed = 5 * time.Minute // "for up to 5 minutes"
	protected  = 5 * time.Second // "within 5 seconds of a successful call, you'll get a ResourceInUseException"
	idling     = 5 * time.Second // an event comes at least so often
	maxEvent   = 1 * mib         // bytes of an event; a larger record comes alone
)

type startingPosition struct {
	Type           string
	SequenceNumber string
	Timestamp      *stamp
}

type subscribe struct {
	ConsumerARN      string
	ShardId          string
	StartingPosition *startingPosition
	DryRun           bool
}

func (in *subscribe) about() (stream, shard string) { return nameOf(in.ConsumerARN), in.ShardId }

func (in *subscribe) check() *failure {
	if in.StartingPosition == nil {
		return unmet("startingPosition", "not be null")
	}
	return consumerTarget{ConsumerARN: in.ConsumerARN}.check()
}

func (in *subscribe) do(s *Server, o outcome, now time.Time) (any, *failure) {
	st, c, err := s.consumer(consumerTarget{ConsumerARN: in.ConsumerARN}, now)
	if err != nil {
		return nil, err
	}
	if status := c.status(now); status != statusActive {
		return nil, fail(codeInUse, "Consumer %s is not ACTIVE, instead in state %s", in.ConsumerARN, status)
	}
	sh, err := s.lookup(st, in.ShardId)
	if err != nil {
		return nil, err
	}
	if s.cfg.Limits && !c.called(sh).take(now, 1) {
		return nil, fail(codeLimit, "Rate exceeded for SubscribeToShard of consumer %s on shard %s", in.ConsumerARN, sh.id)
	}
	from := in.StartingPosition
	at, err := s.begin(st, sh, from.Type, from.SequenceNumber, from.Timestamp, now)
	if err != nil {
		return nil, err
	}
	before := c.subs[sh.id]
	if before != nil && now.Sub(before.from) < protected {
		return nil, fail(codeInUse, "Another active subscription exists for this consumer: %s", in.ConsumerARN)
	}
	if in.DryRun {
		return nil, fail(codeDryRun, "Request would have succeeded, but DryRun flag is set.")
	}
	if before != nil {
		close(before.lost)
	}
	sub := &subscription{
		s: s, st: st, c: c, sh: sh, at: at, o: o, from: now, due: now, reached: sh.before(at.Next), lost: make(chan struct{}),
	}
	if o.draw%2 == 0 {
		sub.due = now.Add(idling)
	}
	c.subs[sh.id] = sub
	return sub, nil
}

// called counts the calls for a shard.
func (c *consumer) called(sh *shard) *window {
	if c.calls[sh.id] == nil {
		c.calls[sh.id] = new(window)
	}
	return c.calls[sh.id]
}

// before is the sequence number of the record in front of number n: reading on after it finds n.
func (s *shard) before(n int64) string {
	if i := n - s.base - 1; i >= 0 && i < int64(len(s.records)) {
		return s.records[i].text
	}
	return s.first
}

// A subscription pushes a shard's records to a consumer. The server's lock guards it.
type subscription struct {
	s  *Server
	st *stream
	c  *consumer
	sh *shard
	o  outcome

	from    time.Time
	at      cursor
	reached string // the continuation of what was sent
	events  int
	due     time.Time     // an event without records is sent then
	paced   time.Time     // no event is sent before
	lost    chan struct{} // closed when another takes over
}

type shardEvent struct {
	Records                    []gotRecord
	ContinuationSequenceNumber *string `json:",omitempty"` // not at the end of the shard
	MillisBehindLatest         int64
	ChildShards                []childShard `json:",omitempty"`
}

// A step is what a subscription does next.
type step struct {
	event *shardEvent // sent, unless nil
	last  bool        // nothing follows
	fail  *failure    // sent, unless nil; nothing follows
	cut   bool        // the connection breaks in the middle of the event

	until   time.Time       // of none of these: wait so long,
	changed <-chan struct{} // or for this
}

// next decides under the lock; nothing waits in it.
func (sub *subscription) next(now time.Time) step {
	sub.s.mu.Lock()
	defer sub.s.mu.Unlock()
	ends := sub.from.Add(subscribed)
	if err := sub.broken(now); err != nil {
		return step{fail: err}
	}
	f := sub.o.fault
	ripe := f != nil && sub.events >= f.Events
	switch {
	case !now.Before(ends):
		return step{last: true}
	case ripe && f.Kind == Stall:
		return step{until: ends}
	case ripe && f.Kind == Throw:
		return step{fail: &failure{code: f.code(), message: "scripted", status: f.status()}}
	case now.Before(sub.paced):
		return step{until: sub.paced}
	}
	st := sub.advance(now)
	if st.event == nil {
		st.until = earliest(st.until, ends)
		return st
	}
	sub.events++
	sub.due = now.Add(idling)
	st.cut = ripe && f.Kind == Cut
	return st
}

// broken is the error that ends the subscription, if there is one.
func (sub *subscription) broken(now time.Time) *failure {
	select {
	case <-sub.lost:
		return fail(codeInUse, "Another subscription of consumer %s on shard %s has taken over", sub.c.arn, sub.sh.id)
	default:
	}
	st, err := sub.s.find(target{StreamName: sub.st.name}, now)
	switch {
	case err != nil:
		return err
	case st != sub.st, !sub.c.gone.IsZero(), !sub.sh.expired.IsZero():
		return fail(codeNotFound, "Consumer %s or shard %s not found.", sub.c.arn, sub.sh.id)
	}
	return nil
}

// advance makes the next event, if there is something to tell.
func (sub *subscription) advance(now time.Time) step {
	at, rest := sub.sh.resume(sub.at)
	n, size := fill(rest, maxGet, maxEvent)
	done := n == len(rest) && !sub.sh.closed.IsZero()
	if n == 0 && !done && now.Before(sub.due) {
		st := step{until: sub.due, changed: sub.sh.watch()}
		if sub.st.change != nil {
			st.until = earliest(st.until, sub.st.updating)
		}
		return st
	}
	sub.at = at
	sub.at.Next += int64(n)
	e := &shardEvent{Records: sub.st.show(rest[:n]), MillisBehindLatest: behind(rest[n:], now)}
	if sub.s.cfg.Limits {
		sub.paced = now.Add(time.Duration(float64(size) / shardReadBytes * float64(time.Second)))
	}
	// The last records come with or before the end: the documentation allows both.
	if done && (n == 0 || sub.o.draw%3 == 0) {
		e.ChildShards = sub.sh.heirs()
		return step{event: e, last: true}
	}
	if n > 0 {
		sub.reached = rest[n-1].text
	} else if sub.at.Next == sub.sh.end() {
		sub.reached = sub.sh.advance(now).String()
	}
	reached := sub.reached
	e.ContinuationSequenceNumber = &reached
	return step{event: e}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
