package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// An Alone is the part of a plan that one process has: a member or a producer, while others do the rest. What must be
// unique in the whole run is made of Life.
type Alone struct {
	Plan    Plan
	Backend stream.Backend
	Traits  env.Traits
	Record  *history.Recorder
	Life    uint64        // numbers the processes of a run, from 1
	Name    string        // of the process, and of the one that takes its place: it fences what may be left of it
	Rest    time.Duration // how long a producer waits between two batches, at most; default: as long as members need to keep up with Kafka
}

// lifeBits are left for what one process numbers.
const lifeBits = 32

func (a Alone) run(ctx context.Context) *run {
	return &run{
		Plan: a.Plan, name: a.Name, backend: a.Backend, traits: a.Traits, rec: a.Record, held: map[place]*session{}, calls: &keeperFaults{},
		known: map[string][]stream.Position{}, birth: map[string]stream.Position{}, seen: map[uint64]bool{}, saved: map[string]bool{}, begun: time.Now(),
		uid: a.Life << lifeBits, txn: a.Life << lifeBits, hold: a.Life << lifeBits, stopping: ctx,
	}
}

// Member is in the group until ctx ends. When its run fails it joins again under another name.
func (a Alone) Member(ctx context.Context) {
	r := a.run(ctx)
	p := actor(r.Seed, roleMember, int(a.Life))
	for n := 0; ctx.Err() == nil; n++ {
		r.consume(ctx, fmt.Sprintf("%s.%d.%d", a.Name, a.Life, n))
		p.sleep(100 * time.Millisecond)
	}
	r.handlers.Wait()
}

// Producer sends until ctx ends, and then what it has accepted.
func (a Alone) Producer(ctx context.Context) {
	r := a.run(ctx)
	s := r.openSender(ctx, int(a.Life))
	if s == nil {
		return
	}
	for ctx.Err() == nil {
		s.send(ctx, 1+s.IntN(8))
		s.sleep(a.pause())
	}
	s.close(context.WithoutCancel(ctx))
}

// pause is how long a producer waits between two batches, at most: members have to keep up.
func (a Alone) pause() time.Duration {
	if a.Rest > 0 {
		return a.Rest
	}
	if a.Plan.Policy == Transact { // of a few records each
		return 100 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// Read reads a stream from its beginning to its end, partition by partition.
func (a Alone) Read(ctx context.Context, name string, partitions []string) ([]history.Op, error) {
	r := a.run(ctx)
	var all []history.Op
	for _, part := range partitions {
		ops, err := r.readPartition(ctx, name, part)
		if err != nil {
			return nil, fmt.Errorf("read %s/%s to its end: %w", name, part, err)
		}
		all = append(all, ops...)
	}
	return all, nil
}
