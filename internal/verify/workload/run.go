package workload

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// The names of a run: the group, and the streams that it reads and writes.
const (
	Group   = "g"
	Input   = "in"
	Output  = "out"
	letters = "dead"
)

// Bounds of a run.
const (
	drainIn  = 40 * time.Second // longer than what is promised
	finishIn = 20 * time.Second
)

// Streams are the streams that the plan's run needs.
func (p Plan) Streams() []stream.StreamConfig {
	return []stream.StreamConfig{
		{Name: Input, Partitions: p.Partitions}, {Name: Output, Partitions: 2}, {Name: letters, Partitions: 1},
	}
}

// A run is one plan carried out in one environment.
type run struct {
	Plan
	env     env.Env        // nil in a process of its own
	name    string         // likewise: of the process, and of the one that takes its place; "" otherwise
	backend stream.Backend // what producers and members open
	traits  env.Traits
	rec     *history.Recorder
	kept    stream.Checkpointer // nil: checkpoints live in the backend
	calls   *keeperFaults
	begun   time.Time

	replaced []string // partitions that are closed; only goWrong's and what comes before it

	stopping  context.Context // ends when the members are to stop
	stop      context.CancelFunc
	producers sync.WaitGroup
	members   sync.WaitGroup
	handlers  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	uid    uint64
	txn    uint64
	hold   uint64
	held   map[place]*session // by member and partition: the last hold
	lives  []*life
	joined int
	known  map[string][]stream.Position // acknowledged records by partition
	birth  map[string]stream.Position   // where the group begins, of Latest
	seen   map[uint64]bool
	saved  map[string]bool // partitions with a checkpoint that a member has made
	gaps   []history.Op
}

type place struct{ member, partition string }

// Run carries the plan out and records it. It must be called in a bubble if the environment needs one, and returns when
// every goroutine of the run has ended, or will not.
func Run(ctx context.Context, p Plan, e env.Env, t env.Traits, rec *history.Recorder) error {
	r := &run{
		Plan: p, env: e, backend: e.Backend(), traits: t, rec: rec, held: map[place]*session{}, known: map[string][]stream.Position{},
		birth: map[string]stream.Position{}, seen: map[uint64]bool{}, saved: map[string]bool{}, calls: &keeperFaults{}, begun: time.Now(),
	}
	if p.External {
		r.kept = stream.MemoryCheckpointer()
		if p.Keep != nil {
			r.kept = p.Keep(r.kept)
		}
	}
	r.stopping, r.stop = context.WithCancel(ctx)
	defer r.stop()
	if err := r.prologue(ctx); err != nil {
		return err
	}
	for i := range r.Members {
		r.join(i)
	}
	r.awaitBirth()
	begun := time.Now()
	for i := range r.Producers {
		r.producers.Go(func() { r.produce(ctx, i, r.Records) })
	}
	r.goWrong(ctx, begun)
	r.producers.Wait()
	r.heal()
	stored, err := r.read(ctx, Input)
	if err == nil {
		r.drain(slices.Clone(stored))
	}
	r.stop()
	if !r.finished() {
		r.note(history.Op{F: history.Escape, Err: "goroutine"})
		return err
	}
	if err != nil {
		return err
	}
	r.tell(stored) // no producer has written since
	return r.epilogue(ctx)
}

// prologue writes what stands there before a group that begins at the end is born.
func (r *run) prologue(ctx context.Context) error {
	if !r.Latest {
		return nil
	}
	r.produce(ctx, r.Producers, 12)
	if r.Script.Has(fault.Split, fault.Merge) {
		r.apply(ctx, fault.Step{Kind: fault.Split, Arg: int(r.Seed % 8)})
		r.produce(ctx, r.Producers+1, 6)
	}
	stored, err := r.read(ctx, Input)
	if err != nil {
		return fmt.Errorf("read what stands there before the group: %w", err)
	}
	time.Sleep(r.traits.Clock)
	for _, part := range r.env.Partitions(Input) {
		r.birth[Input+"/"+part] = stream.Position{}
	}
	for _, op := range stored {
		r.birth[op.Part] = op.Pos
	}
	for _, part := range r.replaced {
		r.note(history.Op{F: history.End, Part: part}) // it is complete, and the group begins after it
	}
	return nil
}

// awaitBirth waits until a group that begins at the end has found where that is.
func (r *run) awaitBirth() {
	p := actor(r.Seed, roleMain, 1)
	born := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return !r.Latest || r.hold > 0
	}
	for deadline := time.Now().Add(finishIn); !born() && time.Now().Before(deadline); {
		p.sleep(5 * time.Millisecond)
	}
}

// goWrong follows the fault script.
func (r *run) goWrong(ctx context.Context, begun time.Time) {
	p := actor(r.Seed, roleFaults, 0)
	for _, step := range r.Script {
		p.until(begun.Add(step.At))
		switch step.Kind {
		case fault.Join:
			r.join(r.nextMember())
		case fault.Leave:
			r.leave(step.Arg)
		default:
			r.apply(ctx, step)
		}
	}
}

func (r *run) apply(ctx context.Context, step fault.Step) {
	if r.calls.takes(step) {
		return
	}
	ops, err := r.env.Apply(ctx, step, env.World{Group: Group, Stream: Input, Members: r.alive(), Known: r.positions})
	for _, op := range ops {
		r.note(op)
		if op.F == history.Reshard {
			r.replaced = append(r.replaced, op.From...)
		}
	}
	slices.Sort(r.replaced)
	r.replaced = slices.Compact(r.replaced)
	if err != nil {
		r.note(history.Op{F: history.Fault, Err: class(err)})
	}
}

// heal ends all faults, and sees to it that somebody is there to go on.
func (r *run) heal() {
	r.env.Heal()
	r.calls.clear()
	if len(r.staying()) == 0 {
		r.join(r.nextMember())
	}
	r.note(history.Op{F: history.Heal})
}

// drain waits until the group has seen everything that stands in the stream.
func (r *run) drain(stored []history.Op) {
	p := actor(r.Seed, roleMain, 0)
	for deadline := time.Now().Add(drainIn); time.Now().Before(deadline); {
		if stored = r.unseen(stored); len(stored) == 0 {
			r.note(history.Op{F: history.Drained})
			return
		}
		p.sleep(20 * time.Millisecond)
	}
}

// unseen are those that are neither delivered nor reported as expired nor older than the group.
func (r *run) unseen(stored []history.Op) []history.Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(stored, func(op history.Op) bool {
		return r.seen[op.UID] || op.Pos.Compare(r.birth[op.Part]) <= 0 || slices.ContainsFunc(r.gaps, func(g history.Op) bool {
			return g.Part == op.Part && op.Pos.Compare(g.Pos) > 0 && (g.Next.IsZero() || op.Pos.Compare(g.Next) < 0)
		})
	})
}

// finished waits for the members and their handlers, if they come to an end at all.
func (r *run) finished() bool {
	done := make(chan struct{})
	go func() {
		r.members.Wait()
		r.handlers.Wait()
		close(done)
	}()
	timer := time.NewTimer(finishIn)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// epilogue reads what is left behind.
func (r *run) epilogue(ctx context.Context) error {
	if r.Policy == Transact {
		stored, err := r.read(ctx, Output)
		if err != nil {
			return err
		}
		r.tell(stored)
	}
	for _, part := range r.env.Partitions(Input) {
		at, err := r.env.Saved(ctx, Group, Input, part)
		if r.kept != nil {
			var c stream.Checkpoint
			c, err = r.kept.Load(ctx, stream.CheckpointKey{Group: Group, Stream: Input, Partition: part})
			at = c.Position
		}
		if err != nil {
			return err
		}
		if !at.IsZero() {
			r.note(history.Op{F: history.Saved, Part: Input + "/" + part, Pos: at})
		}
	}
	return nil
}

func (r *run) tell(ops []history.Op) {
	for _, op := range ops {
		r.note(op)
	}
}

// note records something that was seen.
func (r *run) note(op history.Op) {
	op.Type = history.Note
	r.rec.Add(op)
}

// positions are the acknowledged records of a partition.
func (r *run) positions(partition string) []stream.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := slices.Clone(r.known[Input+"/"+partition])
	slices.SortFunc(known, stream.Position.Compare)
	return known
}
