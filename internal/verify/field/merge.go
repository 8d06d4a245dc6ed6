package field

import (
	"path/filepath"
	"slices"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/history"
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
		all = append(all, ops...)
	}
	slices.SortStableFunc(all, func(a, b history.Op) int { return int(a.T - b.T) })
	return number(all), nil
}

// number numbers the operations, and the holds in the order of their grants.
func number(ops []history.Op) []history.Op {
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
