package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// ledgerAfter tells a ledger that five events of two networks are stored, and which were handled in each hold.
func ledgerAfter(t *testing.T, holds ...[]string) account {
	t.Helper()
	var events []quake
	for _, id := range []string{"a0", "b1", "a2", "b3", "a4"} {
		events = append(events, quake{ID: id, Network: id[:1]})
	}
	l := newLedger(events)
	for place := range events {
		at := stream.MakePosition([3]uint64{0, 0, uint64(place + 1)}, 0, 0)
		l.store(place, stream.Ack{Partition: "0", Position: at}, nil)
	}
	for _, ids := range holds {
		inHold := trail{}
		for _, id := range ids {
			_, err := l.enter(inHold, events[l.places[id]], &stream.Record{Partition: "0"})
			require.NoError(t, err)
		}
	}
	return l.account()
}

func TestLedgerCountsWhatWentWrong(t *testing.T) {
	for name, c := range map[string]struct {
		holds [][]string
		want  account
	}{
		"all is well": {
			holds: [][]string{{"a0", "b1", "a2", "b3", "a4"}},
			want:  account{produced: 5, handled: 5},
		},
		"networks are not ordered among each other": {
			holds: [][]string{{"b1", "b3", "a0", "a2", "a4"}},
			want:  account{produced: 5, handled: 5},
		},
		"a new hold begins after the checkpoint": {
			holds: [][]string{{"a0", "b1", "a2"}, {"b1", "a2", "b3", "a4"}},
			want:  account{produced: 5, handled: 5, redelivered: 2},
		},
		"a record is lost": {
			holds: [][]string{{"a0", "b1", "b3", "a4"}},
			want:  account{produced: 5, handled: 4, lost: 1},
		},
		"a record comes late": {
			holds: [][]string{{"a0", "b1", "a4", "b3", "a2"}},
			want:  account{produced: 5, handled: 5, disorder: 1},
		},
		"a record comes late in another hold": {
			holds: [][]string{{"a0", "b1", "b3", "a4"}, {"a2"}},
			want:  account{produced: 5, handled: 5, disorder: 1},
		},
		"a record comes twice in one hold": {
			holds: [][]string{{"a0", "a0", "b1", "a2", "b3", "a4"}},
			want:  account{produced: 5, handled: 5, redelivered: 1, disorder: 1},
		},
		"a hold goes back": {
			holds: [][]string{{"a0", "a2", "a0", "b1", "b3", "a4"}},
			want:  account{produced: 5, handled: 5, redelivered: 1, disorder: 1},
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, ledgerAfter(t, c.holds...)) })
	}
}

func TestLedgerRefusesStrangers(t *testing.T) {
	_, err := newLedger(nil).enter(trail{}, quake{ID: "x"}, &stream.Record{})
	require.ErrorContains(t, err, "not sent by this run")
}
