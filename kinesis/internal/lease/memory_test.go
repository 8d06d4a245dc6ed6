package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A Memory keeps the rules of a Store.
func TestMemory(t *testing.T) {
	m, ctx := lease.NewMemory(), t.Context()
	r := row(0)
	made, err := m.Create(ctx, r)
	require.NoError(t, err)
	require.True(t, made)
	made, err = m.Create(ctx, lease.Row{Key: r.Key})
	require.NoError(t, err)
	require.False(t, made)

	owner, nobody, wrong := "a", "", r.Counter+1
	got, err := m.Update(ctx, r.Key, lease.Change{Counter: &wrong, SetOwner: &owner})
	require.ErrorIs(t, err, lease.ErrConflict)
	require.Equal(t, r, got)
	got, err = m.Update(ctx, r.Key, lease.Change{
		Counter: &r.Counter, Owner: &nobody, Raise: true, SetOwner: &owner, Parents: []string{"b", "a"}, AddSwitch: true,
	})
	require.NoError(t, err)
	require.Equal(t, lease.Row{
		Key: r.Key, Owner: "a", Counter: r.Counter + 1, Switches: 1, Checkpoint: lease.AtOldest, Parents: []string{"a", "b"},
		Own: lease.Own{Start: new(int64)},
	}, got)
	state := []byte("s")
	got, err = m.Update(ctx, r.Key, lease.Change{Checkpoint: checkpoint(4).Checkpoint, Sub: 2, State: &state, Parents: []string{}})
	require.NoError(t, err)
	require.Zero(t, got.Switches)
	require.Equal(t, int64(2), got.Sub)
	require.Nil(t, got.Parents)
	require.True(t, got.Own.Has)
	got.Own.State[0] = 'x' // a copy
	all, err := m.Scan(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "s", string(all[0].Own.State))

	_, err = m.Update(ctx, "none", lease.Change{})
	require.ErrorIs(t, err, lease.ErrConflict)
	require.ErrorIs(t, m.Delete(ctx, r.Key, 1), lease.ErrConflict)
	require.NoError(t, m.Delete(ctx, r.Key, r.Counter+1))
	_, there, err := m.Get(ctx, r.Key)
	require.NoError(t, err)
	require.False(t, there)
}

// What is faulty is the way to the table: a write whose answer is lost happens, one that is refused does not, and one that
// is late arrives although its caller has gone.
func TestMemoryFaults(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		store, key, owner := w.store("a"), row(0).Key, "a"
		take := lease.Change{SetOwner: &owner, Raise: true}
		every := func(lease.Call) bool { return true }
		w.via("a", only("update", lease.Fault{Err: stream.ErrThrottled}, every))
		_, err := store.Update(t.Context(), key, take)
		require.ErrorIs(t, err, stream.ErrThrottled)
		require.Empty(t, w.now(key).Owner)
		w.via("a", only("update", lease.Fault{Lost: true}, every))
		_, err = store.Update(t.Context(), key, take)
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		require.Equal(t, "a", w.now(key).Owner)
		w.via("a", only("update", lease.Fault{Before: time.Minute}, every))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = store.Update(ctx, key, take)
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		counter := w.now(key).Counter
		w.table.Wait()
		require.Equal(t, counter+1, w.now(key).Counter)
	})
}

// Short failover times work as long ones do.
func TestShortFailover(t *testing.T) {
	bubble(t, 6, true, func(t *testing.T, w *world) {
		short := func(c *lease.Config) { c.Failover = 100 * time.Millisecond }
		w.join("a", short)
		w.join("b", short)
		require.Less(t, until(time.Second, w.even), 200*time.Millisecond)
		moves := w.moved()
		time.Sleep(time.Minute)
		require.True(t, w.even())
		require.Equal(t, moves, w.moved())
	})
}
