package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
)

func TestAHoldThatWasOverBeforeItWasToldOfIsLeftOut(t *testing.T) {
	op := func(proc string, hold uint64, f history.Func, as history.Type) history.Op {
		return history.Op{Proc: proc, Hold: hold, Part: "in/0", F: f, Type: as}
	}
	owner, late := op("a", 1, history.Acquire, history.Note), op("b", 2, history.Acquire, history.Note)
	saved := op("a", 1, history.Checkpoint, history.OK)
	for name, c := range map[string]struct {
		ops  []history.Op
		left int
	}{
		"told late":        {[]history.Op{owner, late, op("b", 2, history.Deliver, history.Note), saved}, 2},
		"refused":          {[]history.Op{owner, late, saved, op("b", 2, history.Checkpoint, history.Fail)}, 2},
		"saved by both":    {[]history.Op{owner, late, saved, op("b", 2, history.Checkpoint, history.OK)}, 4},
		"perhaps by both":  {[]history.Op{owner, late, saved, op("b", 2, history.Checkpoint, history.Info)}, 4},
		"a takeover":       {[]history.Op{owner, saved, late}, 3},
		"by the same one":  {[]history.Op{owner, op("a", 3, history.Acquire, history.Note), saved}, 3},
		"nothing of holds": {[]history.Op{owner, {F: history.Heal}, late, saved}, 3},
	} {
		t.Run(name, func(t *testing.T) { require.Len(t, history.WithoutGhosts(c.ops), c.left) })
	}
}
