package field

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// traits are a Kafka topic's.
var traits = env.Traits{
	Headers: true, Tombstones: true, NilKeys: true, EventTime: true, Transactions: true, RecordBytes: 1<<20 - 512,
	Level: check.Level{KeyOrder: true, Fencing: true, Idempotent: true},
}

// merge puts the histories of the processes of a folder together, by the machine's clock.
func merge(folder string) ([]history.Op, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []history.Op
	for _, path := range paths {
		ops, err := readLines(path)
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(ops); i++ { // the clock may be set back; the order within a process stays
			ops[i].T = max(ops[i].T, ops[i-1].T)
		}
		all = append(all, append(ops, underWay(ops)...)...)
	}
	slices.SortStableFunc(all, func(a, b history.Op) int { return int(a.T - b.T) })
	return renumber(history.WithoutGhosts(all)), nil
}

// underWay are the checkpoints that a killed process may have made without telling. Those that the library makes beside a
// handler are told when they are answered: in a hold that has no end in the history, one of what was handled after the
// last of them may be stored.
func underWay(ops []history.Op) []history.Op {
	holds := map[uint64]*lastWords{}
	for _, op := range ops {
		if op.Hold == 0 {
			continue
		}
		if holds[op.Hold] == nil {
			holds[op.Hold] = &lastWords{settled: map[uint64]stream.Position{}}
		}
		holds[op.Hold].hear(op)
	}
	var all []history.Op
	for _, hold := range slices.Sorted(maps.Keys(holds)) {
		all = append(all, holds[hold].unsaid(ops[len(ops)-1].T)...)
	}
	return all
}

// lastWords is what a process has told of a hold.
type lastWords struct {
	last    history.Op // what it told last
	over    bool       // it told of the end, or makes checkpoints itself
	saved   uint64     // the checkpoint, or where the hold began
	settled map[uint64]stream.Position
}

func (l *lastWords) hear(op history.Op) {
	l.last = op
	switch op.F {
	case history.Acquire:
		l.saved = number(op.Pos)
	case history.Handled, history.Skipped:
		l.settled[number(op.Pos)] = op.Pos
	case history.Checkpoint:
		l.saved = max(l.saved, number(op.Pos))
		l.over = l.over || op.Type == history.Invoke
	case history.Lost, history.Release:
		l.over = true
	}
}

// unsaid are the checkpoints of the settled prefix after the one that is known. Between the inputs stands nothing else.
func (l *lastWords) unsaid(at int64) []history.Op {
	var ops []history.Op
	for next := l.saved + 1; !l.over; next++ {
		pos, ok := l.settled[next]
		if !ok {
			break
		}
		ops = append(ops, history.Op{
			T: at, Proc: l.last.Proc, Type: history.Info, F: history.Checkpoint, Part: l.last.Part, Hold: l.last.Hold, Pos: pos,
			Err: history.ClassUnknown,
		})
	}
	return ops
}

// number is the number of a position, which is its offset plus one.
func number(p stream.Position) uint64 {
	major, _, _ := p.Parts()
	return major[2]
}

// renumber numbers the operations, and the holds in the order of their grants.
func renumber(ops []history.Op) []history.Op {
	holds := map[uint64]uint64{}
	for i := range ops {
		op := &ops[i]
		op.Seq = uint64(i + 1)
		if op.Hold == 0 {
			continue
		}
		if _, ok := holds[op.Hold]; !ok {
			holds[op.Hold] = uint64(len(holds) + 1)
		}
		op.Hold = holds[op.Hold]
	}
	return ops
}
