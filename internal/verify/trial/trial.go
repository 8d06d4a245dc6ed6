// Package trial runs seeds: each is a plan, carried out in an environment and judged.
package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/env/kfake"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/stream"
)

// A Trial is one seed in one environment.
type Trial struct {
	Opener env.Opener
	Plan   workload.Plan
	Racy   bool                                // goroutines run side by side: the history is not the seed's alone
	Wrap   func(stream.Backend) stream.Backend // a mutant; nil: none
}

// New is the trial of a seed.
func New(o env.Opener, seed uint64) Trial {
	return Trial{Opener: o, Plan: workload.Draw(seed, o)}
}

// A Result is what became of a trial.
type Result struct {
	Report check.Report
	Ops    []history.Op
}

// Failed reports whether anything is wrong.
func (r Result) Failed() bool { return len(r.Report.Anomalies) > 0 }

// Run carries the trial out in a bubble of its own. T must be of a test that runs.
func (tr Trial) Run(t *testing.T) Result {
	ops := tr.inBubble(t).Ops()
	if _, ok := tr.Opener.(kfake.Brokers); ok { // a member whose connections stood still tells late of what it was given
		ops = history.WithoutGhosts(slices.Clone(ops))
		for i := range ops {
			ops[i].Seq = uint64(i + 1)
		}
	}
	return Result{Report: check.Check(ops, tr.Plan.Level(tr.Opener.Traits())), Ops: ops}
}

// inBubble records a panic, and goroutines that are left, as escapes: they are the run's, not the test's.
func (tr Trial) inBubble(t *testing.T) (rec *history.Recorder) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		what := "panic"
		if strings.Contains(fmt.Sprint(v), "deadlock") {
			what = "goroutine"
		} else {
			t.Logf("seed %d: %v\n%s", tr.Plan.Seed, v, debug.Stack())
		}
		rec.Add(history.Op{Type: history.Note, F: history.Escape, Err: what})
	}()
	synctest.Test(t, func(t *testing.T) {
		rec = history.NewRecorder()
		if err := tr.carryOut(t.Context(), rec); err != nil {
			rec.Add(history.Op{Type: history.Note, F: history.Fault, Err: "unclassified"})
			t.Logf("seed %d: %v", tr.Plan.Seed, err)
		}
	})
	return rec
}

func (tr Trial) carryOut(ctx context.Context, rec *history.Recorder) error {
	e, err := tr.Opener.Open(ctx, env.Settings{
		Seed: tr.Plan.Seed, Replay: !tr.Racy, Streams: tr.Plan.Streams(), Script: tr.Plan.Script, Wrap: tr.wrap(),
	})
	if err != nil {
		return fmt.Errorf("open the environment: %w", err)
	}
	err = workload.Run(ctx, tr.Plan, e, tr.Opener.Traits(), rec)
	if closed := e.Close(); err == nil {
		err = closed
	}
	return err
}

// wrap puts what the plan asks for on top of the mutant.
func (tr Trial) wrap() func(stream.Backend) stream.Backend {
	if !tr.Plan.Chunked {
		return tr.Wrap
	}
	return func(b stream.Backend) stream.Backend {
		if tr.Wrap != nil {
			b = tr.Wrap(b)
		}
		return stream.Chunked(b, stream.Chunking{ChunkBytes: workload.ChunkBytes})
	}
}

// Hash is the same for histories that say the same. What happens in the same nanosecond has no order.
func Hash(ops []history.Op) [sha256.Size]byte {
	lines := make([]string, len(ops))
	for i, op := range ops {
		op.Seq = 0
		line, err := json.Marshal(op)
		if err != nil {
			panic(err) // an Op has only fields that have a form in JSON
		}
		lines[i] = fmt.Sprintf("%020d %s", op.T, line)
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\n")))
}

// Shrink finds the smallest part of the trial's fault script that makes it fail with one of the codes it fails with now.
func (tr Trial) Shrink(t *testing.T, first Result) Trial {
	codes := first.Report.Codes()
	tr.Plan.Script = fault.Shrink(tr.Plan.Script, func(s fault.Script) bool {
		smaller := tr
		smaller.Plan.Script = s
		found := smaller.Run(t).Report.Codes()
		return slices.ContainsFunc(found, func(c string) bool { return slices.Contains(codes, c) })
	})
	return tr
}

// Show gives a history as text.
func Show(ops []history.Op) string {
	var b bytes.Buffer
	if err := history.Write(&b, ops); err != nil {
		return err.Error()
	}
	return b.String()
}
