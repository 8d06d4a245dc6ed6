package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A life is one member of the group: it crashes or fails, and lives again under another name, until it leaves.
type life struct {
	number  int
	name    string // of the life now; "" while it is between two
	leaving context.Context
	leave   context.CancelFunc
}

// mostMembers bounds how many members may join in a run.
const mostMembers = 7

// nextMember is the number of the next member to join.
func (r *run) nextMember() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.joined
}

// join starts a member.
func (r *run) join(number int) {
	r.mu.Lock()
	if r.joined >= mostMembers && len(r.lives) > 0 {
		r.mu.Unlock()
		return
	}
	l := &life{number: number}
	l.leaving, l.leave = context.WithCancel(r.stopping)
	r.joined++
	r.lives = append(r.lives, l)
	r.mu.Unlock()
	r.members.Go(func() { r.live(l) })
}

// leave lets a member go in order, unless it is the last.
func (r *run) leave(which int) {
	staying := r.staying()
	if len(staying) > 1 {
		l := staying[which%len(staying)]
		r.mu.Lock()
		r.lives = slices.DeleteFunc(r.lives, func(other *life) bool { return other == l })
		r.mu.Unlock()
		l.leave()
	}
}

func (r *run) staying() []*life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lives)
}

// alive are the names of those that are members now.
func (r *run) alive() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, l := range r.lives {
		if l.name != "" {
			names = append(names, l.name)
		}
	}
	return names
}

func (r *run) rename(l *life, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.name = name
}

// live runs one consumer after the other.
func (r *run) live(l *life) {
	p := actor(r.Seed, roleMember, l.number)
	for n := 0; l.leaving.Err() == nil; n++ {
		p.sleep(3 * time.Millisecond)
		name := fmt.Sprintf("m%d.%d", l.number, n)
		r.rename(l, name)
		r.consume(l.leaving, name)
		r.rename(l, "")
		p.sleep(30 * time.Millisecond)
	}
}

// consume is one life of a member.
func (r *run) consume(ctx context.Context, name string) {
	config := stream.ConsumerConfig{
		Group: Group, Member: name, Streams: []string{Input}, Expired: stream.ExpiredOldest, Grace: r.grace(), CheckpointEvery: often,
		Observe: func(e stream.Event) { r.observe(name, e) },
	}
	if r.Latest {
		config.Start = stream.Latest()
	}
	if r.kept != nil {
		config.Checkpointer = &keeper{run: r, member: name}
	}
	var ended time.Time
	unlink := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		ended = time.Now()
	})
	defer unlink()
	c, err := stream.NewConsumer(ctx, r.backend, config)
	done := func() {}
	if err == nil {
		var h stream.Handler
		if h, done, err = r.handler(ctx, name); err == nil {
			err = c.Run(ctx, h)
		}
	}
	op := history.Op{F: history.Close, Proc: name, Err: runClass(err)}
	r.mu.Lock()
	if !ended.IsZero() {
		op.Dur = int64(max(0, time.Since(ended)-r.grace()-time.Second))
	}
	r.mu.Unlock()
	done()
	r.note(op)
}

// observe records what a member is told about its partitions.
func (r *run) observe(member string, e stream.Event) {
	at := place{member, e.Partition}
	part := e.Stream + "/" + e.Partition
	if e.Stream != Input {
		return
	}
	switch e.Kind {
	case stream.EventGranted:
		if r.kept == nil {
			r.acquired(at, e.Position)
		}
	case stream.EventLost:
		r.noteHeld(at, history.Op{F: history.Lost, Part: part})
	case stream.EventEnded:
		r.noteHeld(at, history.Op{F: history.End, Part: part})
	case stream.EventReleased:
		op := history.Op{F: history.Release, Part: part, Pos: e.Position}
		if s := r.session(at); s != nil {
			op.Clean = s.settledUpTo(e.Position)
		}
		r.noteHeld(at, op)
	case stream.EventGap:
		op := history.Op{F: history.Gap, Part: part, Pos: e.Position, Next: e.Oldest}
		r.mu.Lock()
		r.gaps = append(r.gaps, op)
		r.mu.Unlock()
		r.noteHeld(at, op)
	case stream.EventSkipped, stream.EventDeadLettered:
		r.noteHeld(at, history.Op{F: history.Skipped, Part: part, Pos: e.Position})
	case stream.EventCheckpointed:
		if s := r.session(at); s != nil && r.kept == nil && !r.explicit() {
			r.rec.Add(history.Op{
				Type: saved(e.Err), F: history.Checkpoint, Proc: member, Part: part, Hold: s.hold, Pos: e.Position, Err: class(e.Err),
				Dur: int64(e.Duration),
			})
		}
	}
}

// acquired begins a hold.
func (r *run) acquired(at place, pos stream.Position) {
	part := Input + "/" + at.partition
	r.mu.Lock()
	if pos.IsZero() {
		pos = r.birth[part]
	}
	r.hold++
	s := &session{run: r, pace: holder(r.Seed, r.hold), place: at, part: part, hold: r.hold, from: pos}
	r.held[at] = s
	r.mu.Unlock()
	r.noteHeld(at, history.Op{F: history.Acquire, Part: part, Pos: pos})
}

func (r *run) session(at place) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[at]
}

// noteHeld records something about a member's hold.
func (r *run) noteHeld(at place, op history.Op) {
	op.Proc = at.member
	if s := r.session(at); s != nil {
		op.Hold = s.hold
	}
	r.note(op)
}
