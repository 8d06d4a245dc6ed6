package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/model"
	"github.com/streamport-go/streamport/stream"
)

const clients = 8

// patience is how long the search for an order may take; without an end it has not shown anything.
const patience = time.Minute

func TestMemoryCheckpointerIsAStore(t *testing.T) {
	for seed := range uint64(10) {
		r := drive(t.Context(), seed, 400, lossy(stream.MemoryCheckpointer()))
		require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(model.Store(), r.ops, patience), "seed %d", seed)
		for _, kind := range []model.Kind{model.Acquire, model.Load, model.Save} {
			require.NotZero(t, r.outcomes(kind)[history.OK])
			require.NotZero(t, r.outcomes(kind)[history.Info])
		}
		require.NotZero(t, r.outcomes(model.Save)[history.Fail])
	}
}

// TestFileCheckpointerIsAStore lets half of the clients be those of another process.
func TestFileCheckpointerIsAStore(t *testing.T) {
	dir := t.TempDir()
	r := drive(t.Context(), 1, 40, lossy(stream.FileCheckpointer(dir)), lossy(stream.FileCheckpointer(dir)))
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(model.Store(), r.ops, patience))
	require.NotZero(t, r.outcomes(model.Save)[history.OK])
	require.NotZero(t, r.outcomes(model.Save)[history.Fail])
}

// TestMissingFenceIsFound plants a bug: one save in twenty does not look at the epoch.
func TestMissingFenceIsFound(t *testing.T) {
	const histories = 100
	found := 0
	for seed := range uint64(histories) {
		r := drive(t.Context(), seed, 400, lossy(unfenced{stream.MemoryCheckpointer(), 5}))
		switch porcupine.CheckOperationsTimeout(model.Store(), r.ops, patience) {
		case porcupine.Illegal:
			found++
		case porcupine.Unknown:
			t.Errorf("seed %d: the search did not end", seed)
		}
	}
	t.Logf("found in %d of %d histories", found, histories)
	require.GreaterOrEqual(t, found, histories*99/100)
}

// drive lets clients acquire, load and save a few keys, each client through one of the stores.
func drive(ctx context.Context, seed uint64, calls int, stores ...stream.Checkpointer) *recorder {
	r := &recorder{}
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{recorder: r, number: i, store: stores[i%len(stores)], held: map[stream.CheckpointKey]stream.Checkpoint{}}
		c.Rand = rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for n := range calls {
				c.call(ctx, n)
			}
		})
	}
	wg.Wait()
	return r
}

// A client knows what it has acquired, also when others have acquired it since.
type client struct {
	*recorder
	*rand.Rand
	number int
	store  stream.Checkpointer
	held   map[stream.CheckpointKey]stream.Checkpoint
}

func (c *client) call(ctx context.Context, n int) {
	const keys = 16
	key := stream.CheckpointKey{Group: "g", Stream: "s", Partition: strconv.Itoa(c.IntN(keys))}
	call := model.Call{Kind: model.Save, Key: key}
	held, holds := c.held[key]
	switch dice := c.IntN(10); {
	case dice == 0 || !holds:
		call.Kind = model.Acquire
	case dice < 3:
		call.Kind = model.Load
	default:
		call.Epoch, call.State = held.Epoch, fmt.Sprint(c.number, "-", n)
		held.Position = moved(held.Position, c.IntN(5)-1)
		call.Position = held.Position
	}
	begun := c.clock.Add(1)
	var got stream.Checkpoint
	var err error
	switch call.Kind {
	case model.Acquire:
		if got, err = c.store.Acquire(ctx, key); err == nil {
			c.held[key] = got
		}
	case model.Load:
		got, err = c.store.Load(ctx, key)
	default:
		err = c.store.Save(ctx, key, stream.Checkpoint{Position: call.Position, Epoch: call.Epoch, State: []byte(call.State)})
		if err == nil {
			c.held[key] = held
		}
	}
	c.record(c.number, begun, call, model.Answer{Epoch: got.Epoch, Position: got.Position, State: string(got.State)}, err)
}

// moved is a position so many records further, or back.
func moved(p stream.Position, by int) stream.Position {
	major, _, _ := p.Parts()
	major[2] = uint64(max(0, int(major[2])+by))
	return stream.MakePosition(major, 0, 0)
}

// lossy loses one answer in twenty, half of them together with the call. It gives way, so that calls overlap.
func lossy(c stream.Checkpointer) stream.Checkpointer { return lossyStore{c} }

type lossyStore struct{ inner stream.Checkpointer }

func lose[T any](call func() (T, error)) (T, error) {
	var nothing T
	lost := fmt.Errorf("%w: a fault of the test", stream.ErrUnknownOutcome)
	dice := rand.IntN(40)
	if dice == 0 {
		return nothing, lost
	}
	runtime.Gosched()
	v, err := call()
	runtime.Gosched()
	if dice == 1 {
		return nothing, lost
	}
	return v, err
}

func (l lossyStore) Acquire(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
	return lose(func() (stream.Checkpoint, error) { return l.inner.Acquire(ctx, key) })
}

func (l lossyStore) Load(ctx context.Context, key stream.CheckpointKey) (stream.Checkpoint, error) {
	return lose(func() (stream.Checkpoint, error) { return l.inner.Load(ctx, key) })
}

func (l lossyStore) Save(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
	_, err := lose(func() (struct{}, error) { return struct{}{}, l.inner.Save(ctx, key, c) })
	return err
}

// unfenced takes so many percent of the saves as if their epoch were the stored one.
type unfenced struct {
	stream.Checkpointer
	percent int
}

func (u unfenced) Save(ctx context.Context, key stream.CheckpointKey, c stream.Checkpoint) error {
	if rand.IntN(100) < u.percent {
		stored, err := u.Load(ctx, key)
		if err != nil {
			return err
		}
		c.Epoch = stored.Epoch
	}
	return u.Checkpointer.Save(ctx, key, c)
}
