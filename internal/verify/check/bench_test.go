package check_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// BenchmarkCheck judges a clean history of 10^6 operations: 16 partitions, two takeovers for every thousand records,
// every tenth record checkpointed. The goal is 10 s and 2 GiB.
func BenchmarkCheck(b *testing.B) {
	const size = 1_000_000
	ops := clean(size)
	level := check.Level{KeyOrder: true, Idempotent: true, Fencing: true, Window: 16}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		require.NoError(b, check.Check(ops, level).Err())
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(len(ops)), "ops")
	b.ReportMetric(float64(after.Sys)/(1<<20), "MiB-system")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MiB-allocated/op")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
}

func TestALongCleanHistoryIsClean(t *testing.T) {
	report := check.Check(clean(80_000), check.Level{KeyOrder: true, Idempotent: true, Fencing: true, Window: 16})
	require.NoError(t, report.Err())
	require.NotZero(t, report.Stats.Takeovers)
	require.NotZero(t, report.Stats.Redelivered)
}

// A grower makes a clean history.
type grower struct {
	ops  []history.Op
	uid  uint64
	hold uint64
}

func (g *grower) add(op history.Op) {
	op.Seq, op.T = uint64(len(g.ops)+1), int64(len(g.ops))*1_000_000
	g.ops = append(g.ops, op)
}

// clean is a history of about so many operations in which nothing is wrong.
func clean(size int) []history.Op {
	const (
		partitions = 16
		keys       = 8
		stint      = 500 // records of a hold
		each       = 5   // operations for each record, without the few of its hold
	)
	g := &grower{ops: make([]history.Op, 0, size+size/10)}
	var stored []history.Op
	for p := range partitions {
		part := fmt.Sprintf("s/%d", p)
		var saved, last int // positions
		for n := size / partitions / each; last < n; {
			g.hold++
			h := history.Op{Type: history.Note, Part: part, Hold: g.hold, Proc: fmt.Sprint("m", g.hold)}
			g.add(with(h, history.Acquire, position(saved)))
			for again := saved + 1; again <= last; again++ { // what was handled and not saved
				g.handle(h, stored[len(stored)-last+again-1])
			}
			for i := 0; i < stint && last < n; i++ {
				last++
				g.uid++
				rec := history.Op{
					F: history.Produce, Type: history.Invoke, Proc: "p", UID: g.uid, Sum: uint32(g.uid),
					Key: fmt.Sprintf("%d-%d", p, last%keys), KSeq: uint64(last/keys + 1),
				}
				g.add(rec)
				rec.Type, rec.Part, rec.Pos = history.OK, part, position(last)
				g.add(rec)
				g.handle(h, rec)
				rec.F, rec.Type = history.Stored, history.Note
				stored = append(stored, rec)
				if i%10 == 9 {
					c := with(h, history.Checkpoint, position(last))
					c.Type = history.Invoke
					g.add(c)
					c.Type = history.OK
					g.add(c)
					saved = last
				}
				if i == stint-5 {
					break // a crash in the middle
				}
			}
			g.add(with(h, history.Lost, stream.Position{}))
		}
	}
	for _, op := range stored {
		g.add(op)
	}
	return g.ops
}

func (g *grower) handle(h, rec history.Op) {
	h.UID, h.Key, h.KSeq, h.Sum = rec.UID, rec.Key, rec.KSeq, rec.Sum
	g.add(with(h, history.Deliver, rec.Pos))
	g.add(with(h, history.Handled, rec.Pos))
}

func with(op history.Op, f history.Func, pos stream.Position) history.Op {
	op.F, op.Pos = f, pos
	return op
}

func position(n int) stream.Position {
	return stream.MakePosition([3]uint64{0, 0, uint64(n)}, 0, 0)
}
