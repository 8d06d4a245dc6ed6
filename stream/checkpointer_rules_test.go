package stream_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// checkpointers are the implementations that the rules of the interface are checked on.
var checkpointers = []struct {
	name string
	open func(t *testing.T) stream.Checkpointer
}{
	{"Memory", func(*testing.T) stream.Checkpointer { return stream.MemoryCheckpointer() }},
	{"File", func(t *testing.T) stream.Checkpointer { return stream.FileCheckpointer(t.TempDir()) }},
}

// checkpointerRules are the rules of Checkpointer, and what every implementation of this package adds to them.
var checkpointerRules = []struct {
	name  string
	check func(t *testing.T, c stream.Checkpointer)
}{
	{"AcquireBumps", checkAcquireBumps},
	{"LoadReads", checkLoadReads},
	{"SaveFenced", checkSaveFenced},
	{"SaveForward", checkSaveForward},
	{"StateKept", checkStateKept},
	{"StateBounded", checkStateBounded},
	{"StateCopied", checkStateCopied},
	{"AnyNames", checkAnyNames},
	{"KeysApart", checkKeysApart},
	{"ContextEnds", checkContextEnds},
	{"OneWinner", checkOneWinner},
}

func TestCheckpointerRules(t *testing.T) {
	for _, kind := range checkpointers {
		for _, rule := range checkpointerRules {
			t.Run(kind.name+"/"+rule.name, func(t *testing.T) { rule.check(t, kind.open(t)) })
		}
	}
}

var quakes = stream.CheckpointKey{Group: "counts", Stream: "quakes", Partition: "0"}

func at(n uint64) stream.Position { return stream.MakePosition([3]uint64{0, 0, n}, 0, 0) }

func acquired(t *testing.T, c stream.Checkpointer, key stream.CheckpointKey) stream.Checkpoint {
	t.Helper()
	got, err := c.Acquire(t.Context(), key)
	require.NoError(t, err)
	return got
}

func loaded(t *testing.T, c stream.Checkpointer, key stream.CheckpointKey) stream.Checkpoint {
	t.Helper()
	got, err := c.Load(t.Context(), key)
	require.NoError(t, err)
	return got
}

func checkAcquireBumps(t *testing.T, c stream.Checkpointer) {
	require.Equal(t, stream.Checkpoint{Epoch: 1}, acquired(t, c, quakes), "a key that is not stored is stored with epoch 1")
	saved := stream.Checkpoint{Position: at(7), Epoch: 1, State: []byte("seven")}
	require.NoError(t, c.Save(t.Context(), quakes, saved))
	saved.Epoch = 2
	require.Equal(t, saved, acquired(t, c, quakes), "Acquire returns what is saved under the next epoch")
	require.Equal(t, saved, loaded(t, c, quakes))
	require.ErrorIs(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(8), Epoch: 1}), stream.ErrLost,
		"the epoch of an earlier holder is refused")
}

func checkLoadReads(t *testing.T, c stream.Checkpointer) {
	require.Equal(t, stream.Checkpoint{}, loaded(t, c, quakes), "a key that is not stored is the zero Checkpoint")
	require.Equal(t, stream.Checkpoint{}, loaded(t, c, quakes))
	require.EqualValues(t, 1, acquired(t, c, quakes).Epoch, "Load changes nothing")
	loaded(t, c, quakes)
	require.NoError(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(1), Epoch: 1}))
}

func checkSaveFenced(t *testing.T, c stream.Checkpointer) {
	ctx := t.Context()
	require.ErrorIs(t, c.Save(ctx, quakes, stream.Checkpoint{Position: at(1)}), stream.ErrLost, "never acquired")
	acquired(t, c, quakes)
	acquired(t, c, quakes)
	require.NoError(t, c.Save(ctx, quakes, stream.Checkpoint{Position: at(5), Epoch: 2, State: []byte("a")}))
	for _, epoch := range []int64{-1, 0, 1, 3} {
		err := c.Save(ctx, quakes, stream.Checkpoint{Position: at(9), Epoch: epoch, State: []byte("b")})
		require.ErrorIs(t, err, stream.ErrLost, "epoch %d", epoch)
	}
	require.Equal(t, stream.Checkpoint{Position: at(5), Epoch: 2, State: []byte("a")}, loaded(t, c, quakes))
}

func checkSaveForward(t *testing.T, c stream.Checkpointer) {
	ctx := t.Context()
	acquired(t, c, quakes)
	require.NoError(t, c.Save(ctx, quakes, stream.Checkpoint{Position: at(5), Epoch: 1, State: []byte("a")}))
	require.ErrorIs(t, c.Save(ctx, quakes, stream.Checkpoint{Position: at(4), Epoch: 1, State: []byte("b")}), stream.ErrInvalid)
	require.ErrorIs(t, c.Save(ctx, quakes, stream.Checkpoint{Epoch: 1}), stream.ErrInvalid)
	require.Equal(t, stream.Checkpoint{Position: at(5), Epoch: 1, State: []byte("a")}, loaded(t, c, quakes))
	require.NoError(t, c.Save(ctx, quakes, stream.Checkpoint{Position: at(5), Epoch: 1, State: []byte("c")}), "in place")
	require.Equal(t, []byte("c"), loaded(t, c, quakes).State)
}

func checkStateKept(t *testing.T, c stream.Checkpointer) {
	acquired(t, c, quakes)
	wide := stream.MakePosition([3]uint64{1 << 63, 2, 3}, 4, 5)
	for _, state := range [][]byte{nil, {}, {0, 255, '"', '%'}} {
		require.NoError(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: wide, Epoch: 1, State: state}))
		got := loaded(t, c, quakes)
		require.Equal(t, stream.Checkpoint{Position: wide, Epoch: 1, State: state}, got, "position, sub, term; nil against empty")
	}
}

func checkStateBounded(t *testing.T, c stream.Checkpointer) {
	acquired(t, c, quakes)
	state := make([]byte, 1<<20+1)
	err := c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(1), Epoch: 1, State: state})
	require.ErrorIs(t, err, stream.ErrTooLarge)
	require.NoError(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(1), Epoch: 1, State: state[1:]}))
	require.Len(t, loaded(t, c, quakes).State, 1<<20)
}

func checkStateCopied(t *testing.T, c stream.Checkpointer) {
	acquired(t, c, quakes)
	state := []byte("mine")
	require.NoError(t, c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(1), Epoch: 1, State: state}))
	state[0] = 'x'
	got := loaded(t, c, quakes)
	require.Equal(t, "mine", string(got.State))
	got.State[0] = 'y'
	require.Equal(t, "mine", string(loaded(t, c, quakes).State))
}

// names are hard for a file system, for JSON or for an escape.
var names = []string{
	"", "a", "A", "a/b", "a%2fb", `..\..`, "..", ".", "con", "nul.json", "x\x00y", "\xff", "\xfe", "�", "%ff", "%", "ä", "é",
	"a b", "<&>", `"`, "\u2028", "group-", strings.Repeat("k", 300), strings.Repeat("k", 299) + "K",
}

func checkAnyNames(t *testing.T, c stream.Checkpointer) {
	for i, name := range names {
		for _, key := range []stream.CheckpointKey{{Group: name}, {Stream: name, Partition: "p"}, {Stream: "s", Partition: name}} {
			require.EqualValues(t, 1, acquired(t, c, key).Epoch, "%q is a key of its own", name)
			require.NoError(t, c.Save(t.Context(), key, stream.Checkpoint{Position: at(uint64(i + 1)), Epoch: 1}))
			if name == "" {
				break // the same key three times
			}
		}
	}
	for i, name := range names {
		require.Equal(t, at(uint64(i+1)), loaded(t, c, stream.CheckpointKey{Group: name}).Position, "%q", name)
	}
}

func checkKeysApart(t *testing.T, c stream.Checkpointer) {
	keys := []stream.CheckpointKey{quakes, quakes, quakes, quakes}
	keys[1].Group, keys[2].Stream, keys[3].Partition = "other", "other", "1"
	for i, key := range keys {
		acquired(t, c, key)
		require.NoError(t, c.Save(t.Context(), key, stream.Checkpoint{Position: at(uint64(i + 1)), Epoch: 1}))
	}
	for i, key := range keys {
		require.Equal(t, at(uint64(i+1)), loaded(t, c, key).Position)
	}
}

func checkContextEnds(t *testing.T, c stream.Checkpointer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Acquire(ctx, quakes)
	require.ErrorIs(t, err, context.Canceled)
	_, err = c.Load(ctx, quakes)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, c.Save(ctx, quakes, stream.Checkpoint{}), context.Canceled)
	require.Equal(t, stream.Checkpoint{}, loaded(t, c, quakes))
}

// checkOneWinner lets holders fight: every epoch is given once, and a position never goes back.
func checkOneWinner(t *testing.T, c stream.Checkpointer) {
	const holders, rounds = 4, 8
	var epochs sync.Map
	var stored atomic.Int64
	var wg sync.WaitGroup
	for range holders {
		wg.Go(func() {
			for range rounds {
				got, err := c.Acquire(t.Context(), quakes)
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := epochs.LoadOrStore(got.Epoch, true); twice {
					t.Errorf("epoch %d was given twice", got.Epoch)
				}
				major, _, _ := got.Position.Parts()
				if c.Save(t.Context(), quakes, stream.Checkpoint{Position: at(major[2] + 1), Epoch: got.Epoch}) == nil {
					stored.Add(1)
				}
			}
		})
	}
	wg.Wait()
	got := loaded(t, c, quakes)
	require.EqualValues(t, holders*rounds, got.Epoch)
	require.Equal(t, at(uint64(stored.Load())), got.Position, "each save that was answered with nil moved the position by one")
}
