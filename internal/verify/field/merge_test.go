package field

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// written is a history as a process writes it, a line for each operation.
func written(t *testing.T, ops ...history.Op) []byte {
	t.Helper()
	var text bytes.Buffer
	rec := history.NewFileRecorder(&text, time.Now())
	for _, op := range ops {
		rec.Add(op)
	}
	require.NoError(t, rec.Err())
	return text.Bytes()
}

func deliver(proc string, uid uint64) history.Op {
	return history.Op{Type: history.Note, F: history.Deliver, Proc: proc, Part: "in/0", UID: uid, Hold: uid << 32}
}

func TestLinesAreReadUpToTheOneThatAKillCutOff(t *testing.T) {
	whole := written(t, deliver("a", 1), deliver("a", 2))
	path := filepath.Join(t.TempDir(), "a.jsonl")
	for cut, want := range map[int]int{0: 2, 1: 2, 2: 1, 20: 1} { // the last byte is the line's end
		require.NoError(t, os.WriteFile(path, whole[:len(whole)-cut], 0o600))
		ops, err := readLines(path)
		require.NoError(t, err, "%d bytes cut off", cut)
		require.Len(t, ops, want, "%d bytes cut off", cut)
	}
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	ops, err := readLines(path)
	require.NoError(t, err)
	require.Empty(t, ops)
}

func TestADamagedLineIsAnError(t *testing.T) {
	whole := written(t, deliver("a", 1), deliver("a", 2), deliver("a", 3))
	whole[bytes.IndexByte(whole, '\n')+1] = 'x'
	path := filepath.Join(t.TempDir(), "a.jsonl")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	_, err := readLines(path)
	require.Error(t, err)
}

func TestHistoriesAreMergedByTheClock(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.jsonl": `{"seq":0,"t":10,"proc":"a","type":"note","f":"deliver","hold":900}
{"seq":0,"t":30,"proc":"a","type":"note","f":"handled","hold":900}
{"seq":0,"t":25,"proc":"a","type":"note","f":"release","hold":900}
`, // the clock was set back
		"b.jsonl": `{"seq":0,"t":20,"proc":"b","type":"note","f":"deliver","hold":5}
{"seq":0,"t":27,"proc":"b","type":"note","f":"handled","hold":5}
{"seq":0,"t":40,"pro`,
		"other.txt": "not a history",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	ops, err := merge(folder)
	require.NoError(t, err)
	var order []string
	for i, op := range ops {
		require.Equal(t, uint64(i+1), op.Seq)
		order = append(order, op.Proc+" "+string(op.F))
	}
	require.Equal(t, []string{"a deliver", "b deliver", "b handled", "a handled", "a release"}, order)
}

func TestHoldsAreNumberedInTheOrderOfTheirGrants(t *testing.T) {
	ops := renumber([]history.Op{{Hold: 1 << 40}, {}, {Hold: 7}, {Hold: 1 << 40}, {Hold: 7}})
	var holds []uint64
	for _, op := range ops {
		holds = append(holds, op.Hold)
	}
	require.Equal(t, []uint64{1, 0, 2, 1, 2}, holds)
}

func TestAKilledProcessMayHaveSavedWhatItHandled(t *testing.T) {
	at := func(n uint64) stream.Position { return stream.MakePosition([3]uint64{2: n}, 0, 0) }
	op := func(f history.Func, n uint64) history.Op {
		return history.Op{Type: history.Note, F: f, Proc: "a", Part: "in/0", Hold: 9, Pos: at(n)}
	}
	told := []history.Op{
		op(history.Acquire, 0), op(history.Deliver, 1), op(history.Deliver, 2), op(history.Deliver, 4), op(history.Deliver, 3),
		op(history.Handled, 1), op(history.Handled, 5), op(history.Handled, 2), op(history.Skipped, 3),
		{Type: history.OK, F: history.Checkpoint, Proc: "a", Part: "in/0", Hold: 9, Pos: at(1)},
	}
	positions := func(ops []history.Op) (all []stream.Position) {
		for _, op := range underWay(ops) {
			require.Equal(t, []any{history.Info, history.Checkpoint, uint64(9), "a"}, []any{op.Type, op.F, op.Hold, op.Proc})
			all = append(all, op.Pos)
		}
		return all
	}
	require.Equal(t, []stream.Position{at(2), at(3)}, positions(told))
	require.Equal(t, []stream.Position{at(2), at(3), at(4), at(5)}, positions(append(slices.Clone(told), op(history.Handled, 4))))
	for _, end := range []history.Op{
		op(history.Lost, 0), op(history.Release, 1), {Type: history.Invoke, F: history.Checkpoint, Hold: 9, Pos: at(2)},
	} {
		require.Empty(t, positions(append(slices.Clone(told), end)))
	}
}
