package handles_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/handles"
	"github.com/streamport-go/streamport/stream"
)

// A sink counts how often it was closed.
type sink struct {
	stream.Sink
	closed int
}

func (s *sink) Close(context.Context) error { s.closed++; return nil }

// A txSink is a sink for transactions.
type txSink struct{ sink }

func (*txSink) Begin(context.Context) (stream.SinkTx, error) { return nil, nil }

func TestSinksAreClosedWithTheirBackend(t *testing.T) {
	var all handles.Sinks
	var first, second, late sink
	released := 0
	release := func() { released++ }
	kept, err := all.Add(&first, release)
	require.NoError(t, err)
	_, err = all.Add(&second, release)
	require.NoError(t, err)
	require.NoError(t, kept.Close(t.Context()))
	require.Equal(t, 1, released, "it is forgotten when it is closed")
	all.Close()
	require.Equal(t, 1, first.closed, "what is closed is not closed again")
	require.Equal(t, 1, second.closed)
	_, err = all.Add(&late, release)
	require.ErrorIs(t, err, stream.ErrClosed)
	require.Equal(t, 1, late.closed)
	require.Equal(t, 2, released, "who comes late holds nothing")
}

func TestOnlyWhatHasTransactionsOffersThem(t *testing.T) {
	var all handles.Sinks
	plain, err := all.Add(&sink{}, func() {})
	require.NoError(t, err)
	require.NotImplements(t, (*stream.TxSink)(nil), plain)
	tx, err := all.Add(&txSink{}, func() {})
	require.NoError(t, err)
	require.Implements(t, (*stream.TxSink)(nil), tx)
}

var errShut = errors.New("shut")

// A member tells how it was ended.
type member struct {
	group, name     string
	abandoned, shut bool
}

func (m *member) Name() (group, member string) { return m.group, m.name }

func (m *member) Abandon() { m.abandoned = true }

func (m *member) Shut(context.Context) error { m.shut = true; return errShut }

func TestAMembersNameIsItsOwnWhileItLives(t *testing.T) {
	var all handles.Members
	a, alone := &member{group: "g", name: "a"}, &member{name: "a"}
	require.NoError(t, all.Add(a))
	require.ErrorIs(t, all.Add(&member{group: "g", name: "a"}), stream.ErrInvalid)
	require.NoError(t, all.Add(&member{group: "h", name: "a"}), "another group's")
	require.NoError(t, all.Add(alone))
	require.NoError(t, all.Add(&member{name: "a"}), "readings without a group share no names")
	require.NoError(t, all.Abandon("g", "a"))
	require.True(t, a.abandoned)
	require.False(t, alone.abandoned)
	all.Remove(a)
	require.ErrorIs(t, all.Abandon("g", "a"), stream.ErrNotFound)
	require.NoError(t, all.Add(a), "the name is free")
	require.ErrorIs(t, all.Close(t.Context()), errShut)
	require.True(t, a.shut && alone.shut)
	require.ErrorIs(t, all.Add(&member{group: "g", name: "b"}), stream.ErrClosed)
}
