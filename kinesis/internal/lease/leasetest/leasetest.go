// Package leasetest checks that a lease.Store keeps its promises. Every store passes the same test.
package leasetest

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
)

// Run checks a store. New makes an empty one for each rule; rules run one after another.
func Run(t *testing.T, newStore func(t *testing.T) lease.Store) {
	t.Helper()
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, newStore(t)) })
	}
}

// InBubbles is Run with a bubble of package synctest for each rule; what newStore makes is used inside.
func InBubbles(t *testing.T, newStore func(t *testing.T) lease.Store) {
	t.Helper()
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { rule.check(t, newStore(t)) })
		})
	}
}

// rules are what lease.Store promises, one entry for each.
var rules = []struct {
	name  string
	check func(*testing.T, lease.Store)
}{
	{"a row is created once", createdOnce},
	{"a row is read as it was created", readAsCreated},
	{"a row that is not there", nothingThere},
	{"a change returns the row as it is then", changeReturnsRow},
	{"every field is written and removed", everyField},
	{"what a change does not name stays", restStays},
	{"a checkpoint ends the count of switches", checkpointResetsSwitches},
	{"a state is nil, empty or bytes", stateKeepsItsKind},
	{"every condition refuses and accepts", conditions},
	{"conditions hold together", conditionsHoldTogether},
	{"a refused change writes nothing", refusedWritesNothing},
	{"of two with one counter one wins", oneWins},
	{"a row is deleted by its counter", deletedByCounter},
	{"a scan has every row", scanHasAll},
	{"what is returned is the caller's", noSharing},
}

const key = "shardId-000000000007"

// row is one with every field that a store keeps.
func row() lease.Row {
	return lease.Row{
		Key: key, Owner: "a", Counter: 40, Switches: 3, Checkpoint: "49680466344195918878815922009074081423663658371393781794", Sub: 5,
		Parents: []string{"shardId-000000000001", "shardId-000000000002"}, Children: []string{"shardId-000000000009"},
		First: "0", Last: "340282366920938463463374607431768211455", HandOver: "b",
		Own: lease.Own{Start: new(int64), Born: at(1_000), Pos: at(-5), Blind: true, State: []byte("state"), Has: true},
	}
}

// plain is a row with what it must have and no more.
func plain() lease.Row { return lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest} }

func at(ms int64) *int64 { return &ms }

func to[T any](v T) *T { return &v }

// create writes rows that must not be there yet.
func create(t *testing.T, s lease.Store, rows ...lease.Row) {
	t.Helper()
	for _, r := range rows {
		made, err := s.Create(t.Context(), r)
		require.NoError(t, err)
		require.True(t, made)
	}
}

// holds requires that the store has exactly this row with its key.
func holds(t *testing.T, s lease.Store, want lease.Row) {
	t.Helper()
	got, ok, err := s.Get(t.Context(), want.Key)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want, got)
}

// update makes a change that must be accepted.
func update(t *testing.T, s lease.Store, c lease.Change) lease.Row {
	t.Helper()
	got, err := s.Update(t.Context(), key, c)
	require.NoError(t, err)
	return got
}

func createdOnce(t *testing.T, s lease.Store) {
	create(t, s, row())
	other := plain()
	made, err := s.Create(t.Context(), other)
	require.NoError(t, err)
	require.False(t, made)
	holds(t, s, row())
}

func readAsCreated(t *testing.T, s lease.Store) {
	small := plain()
	small.Key = "shardId-000000000008"
	create(t, s, row(), small)
	holds(t, s, row())
	holds(t, s, small)
}

func nothingThere(t *testing.T, s lease.Store) {
	got, ok, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.False(t, ok)
	require.Zero(t, got)
	got, err = s.Update(t.Context(), key, lease.Change{Raise: true})
	require.ErrorIs(t, err, lease.ErrConflict)
	require.Zero(t, got)
	require.ErrorIs(t, s.Delete(t.Context(), key, 0), lease.ErrConflict)
	rows, err := s.Scan(t.Context())
	require.NoError(t, err)
	require.Empty(t, rows)
}

func changeReturnsRow(t *testing.T, s lease.Store) {
	create(t, s, plain())
	want := plain()
	want.Counter, want.Owner = 2, "me"
	require.Equal(t, want, update(t, s, lease.Change{Counter: at(1), Raise: true, SetOwner: to("me")}))
	require.Equal(t, want, update(t, s, lease.Change{Counter: at(2)}), "a change of nothing is a question")
	holds(t, s, want)
}

func everyField(t *testing.T, s lease.Store) {
	create(t, s, plain())
	full := row()
	full.Counter, full.Switches = 2, 0
	require.Equal(t, full, update(t, s, lease.Change{
		Raise: true, SetOwner: &full.Owner, SetHandOver: &full.HandOver, Checkpoint: &full.Checkpoint, Sub: full.Sub,
		State: &full.Own.State, Parents: full.Parents, Children: full.Children, First: &full.First, Last: &full.Last,
		Start: full.Own.Start, Born: full.Own.Born, Pos: full.Own.Pos, Blind: to(true),
	}))
	holds(t, s, full)

	bare := plain()
	bare.Counter, bare.Switches, bare.Own = 2, 1, lease.Own{Start: full.Own.Start, Born: full.Own.Born, Pos: full.Own.Pos}
	bare.Checkpoint, bare.Sub = full.Checkpoint, full.Sub
	require.Equal(t, bare, update(t, s, lease.Change{
		SetOwner: to(""), SetHandOver: to(""), AddSwitch: true, State: to([]byte(nil)), Parents: []string{}, Children: []string{},
		First: to(""), Last: to(""), Blind: to(false),
	}))
	holds(t, s, bare)
}

func restStays(t *testing.T, s lease.Store) {
	create(t, s, row())
	want := row()
	want.Counter++
	require.Equal(t, want, update(t, s, lease.Change{Raise: true}))
	want.Own.Pos = at(9)
	require.Equal(t, want, update(t, s, lease.Change{Pos: at(9)}))
	want.Checkpoint, want.Sub, want.Switches = lease.AtEnd, 0, 0
	require.Equal(t, want, update(t, s, lease.Change{Checkpoint: to(lease.AtEnd)}))
	holds(t, s, want)
}

func checkpointResetsSwitches(t *testing.T, s lease.Store) {
	create(t, s, plain())
	require.EqualValues(t, 1, update(t, s, lease.Change{AddSwitch: true}).Switches)
	require.EqualValues(t, 2, update(t, s, lease.Change{AddSwitch: true}).Switches)
	require.Zero(t, update(t, s, lease.Change{Checkpoint: to("12")}).Switches)
}

func stateKeepsItsKind(t *testing.T, s lease.Store) {
	create(t, s, plain())
	require.Equal(t, lease.Own{State: []byte{}, Has: true}, update(t, s, lease.Change{State: to([]byte{})}).Own)
	require.Equal(t, lease.Own{State: []byte{0, 1}, Has: true}, update(t, s, lease.Change{State: to([]byte{0, 1})}).Own)
	require.Equal(t, lease.Own{}, update(t, s, lease.Change{State: to([]byte(nil))}).Own)
	largest := make([]byte, 64<<10)
	require.Equal(t, lease.Own{State: largest, Has: true}, update(t, s, lease.Change{State: &largest}).Own)
}

// conditions asks each alone, of a row that meets it and of one that does not.
func conditions(t *testing.T, s lease.Store) {
	owned := func(by string) func(*lease.Row) { return func(r *lease.Row) { r.Owner = by } }
	promised := func(to string) func(*lease.Row) { return func(r *lease.Row) { r.HandOver = to } }
	counted := func(n int64) func(*lease.Row) { return func(r *lease.Row) { r.Counter = n } }
	blind := func(is bool) func(*lease.Row) { return func(r *lease.Row) { r.Own.Blind = is } }
	begun := func(ms *int64) func(*lease.Row) { return func(r *lease.Row) { r.Own.Start = ms } }
	at10 := func(r *lease.Row) { r.Checkpoint = "10" }
	ended := func(r *lease.Row) { r.Checkpoint = lease.AtEnd }
	for name, c := range map[string]struct {
		change    lease.Change
		good, bad func(*lease.Row)
	}{
		"counter":            {lease.Change{Counter: at(40)}, counted(40), counted(41)},
		"owner":              {lease.Change{Owner: to("a")}, owned("a"), owned("b")},
		"owner, of nobody's": {lease.Change{Owner: to("a")}, owned("a"), owned("")},
		"nobody":             {lease.Change{Owner: to("")}, owned(""), owned("a")},
		"hand-over":          {lease.Change{HandOverIs: to("a")}, promised("a"), promised("b")},
		"no hand-over":       {lease.Change{HandOverIs: to("")}, promised(""), promised("b")},
		"blind":              {lease.Change{IsBlind: true}, blind(true), blind(false)},
		"not ended":          {lease.Change{NotEnded: true}, at10, ended},
		"no start":           {lease.Change{StartAbsent: true}, begun(nil), begun(at(0))},
	} {
		good, bad := plain(), plain()
		good.Key, bad.Key = "good-"+name, "bad-"+name
		c.good(&good)
		c.bad(&bad)
		create(t, s, good, bad)
		change := c.change
		change.Raise = true
		got, err := s.Update(t.Context(), good.Key, change)
		require.NoError(t, err, name)
		good.Counter++
		require.Equal(t, good, got, name)
		got, err = s.Update(t.Context(), bad.Key, change)
		require.ErrorIs(t, err, lease.ErrConflict, name)
		require.Equal(t, bad, got, name)
		holds(t, s, bad)
	}
}

func conditionsHoldTogether(t *testing.T, s lease.Store) {
	create(t, s, row())
	all := lease.Change{Counter: at(40), Owner: to("a"), HandOverIs: to("b"), IsBlind: true, NotEnded: true}
	update(t, s, all)
	for name, spoil := range map[string]func(*lease.Change){
		"counter":   func(c *lease.Change) { c.Counter = at(39) },
		"owner":     func(c *lease.Change) { c.Owner = to("b") },
		"hand-over": func(c *lease.Change) { c.HandOverIs = to("") },
		"start":     func(c *lease.Change) { c.StartAbsent = true },
	} {
		c := all
		spoil(&c)
		_, err := s.Update(t.Context(), key, c)
		require.ErrorIs(t, err, lease.ErrConflict, name)
	}
}

func refusedWritesNothing(t *testing.T, s lease.Store) {
	create(t, s, row())
	got, err := s.Update(t.Context(), key, lease.Change{
		Counter: at(39), Raise: true, SetOwner: to("z"), SetHandOver: to(""), Checkpoint: to("9"), State: to([]byte(nil)),
		Parents: []string{}, Children: []string{"c"}, First: to("1"), Last: to("2"), Start: at(1), Born: at(1), Pos: at(1), Blind: to(false),
	})
	require.ErrorIs(t, err, lease.ErrConflict)
	require.Equal(t, row(), got)
	holds(t, s, row())
}

func oneWins(t *testing.T, s lease.Store) {
	create(t, s, plain())
	const members = 8
	won := make(chan string, members)
	for n := range members {
		name := string(rune('a' + n))
		go func() {
			_, err := s.Update(context.WithoutCancel(t.Context()), key, lease.Change{Counter: at(1), Raise: true, SetOwner: &name})
			if err != nil {
				name = ""
			}
			won <- name
		}()
	}
	var winners []string
	for range members {
		if name := <-won; name != "" {
			winners = append(winners, name)
		}
	}
	require.Len(t, winners, 1)
	want := plain()
	want.Counter, want.Owner = 2, winners[0]
	holds(t, s, want)
}

func deletedByCounter(t *testing.T, s lease.Store) {
	create(t, s, row())
	require.ErrorIs(t, s.Delete(t.Context(), key, 39), lease.ErrConflict)
	holds(t, s, row())
	require.NoError(t, s.Delete(t.Context(), key, 40))
	_, ok, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.False(t, ok)
	require.ErrorIs(t, s.Delete(t.Context(), key, 40), lease.ErrConflict)
	create(t, s, plain())
}

func scanHasAll(t *testing.T, s lease.Store) {
	want := map[string]lease.Row{}
	for n := range 40 {
		r := row()
		r.Key = "shardId-" + string(rune('A'+n))
		r.Counter = int64(n)
		want[r.Key] = r
		create(t, s, r)
	}
	rows, err := s.Scan(t.Context())
	require.NoError(t, err)
	got := map[string]lease.Row{}
	for _, r := range rows {
		got[r.Key] = r
	}
	require.Len(t, rows, len(want), "no row twice")
	require.Equal(t, want, got)
}

func noSharing(t *testing.T, s lease.Store) {
	given := row()
	create(t, s, given)
	given.Own.State[0], given.Parents[0], *given.Own.Pos = 'X', "X", 7
	got, _, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, row(), got)
	got.Own.State[0], got.Children[0], *got.Own.Start = 'X', "X", 7
	rows, err := s.Scan(t.Context())
	require.NoError(t, err)
	require.Equal(t, []lease.Row{row()}, rows)
	rows[0].Own.State[0], rows[0].Parents[1] = 'X', "X"
	holds(t, s, row())
}
