package consumer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A reading without a group goes on in what replaces a shard, however long it has run: nothing has expired unread.
func TestLongReadingGoesOnInChildren(t *testing.T) {
	for what, start := range map[string]stream.Start{"oldest": {}, "latest": stream.Latest()} {
		t.Run(what, func(t *testing.T) {
			run(t, 1, func(w *world) {
				w.set.PollEvery, w.set.SyncEvery = 4*time.Minute, 20*time.Minute
				c := w.config("")
				c.Start = start
				s := w.open(c)
				claim := w.next(s)
				w.nothing(claim, 26*time.Hour)
				w.put("k", "parent")
				w.take(claim, 1)
				for range 2 { // generations
					lower, upper, err := w.server.Split(name, claim.Hold().Partition)
					require.NoError(w, err)
					w.put("k", "child")
					require.Empty(w, w.drain(claim))
					w.release(claim, true)
					for range 2 {
						child := w.next(s)
						require.Contains(w, []string{lower, upper}, child.Hold().Partition)
						if child.Hold().Owns([]byte("k")) {
							claim = child
						} else {
							w.nothing(child, 10*time.Minute)
						}
					}
					require.Equal(w, []string{"child"}, values(w.take(claim, 1)))
					w.nothing(claim, 26*time.Hour)
				}
			})
		})
	}
}

// What expired in a shard while its parent was not read to its end is missed.
func TestChildThatExpiredBehindItsParentIsMissed(t *testing.T) {
	run(t, 1, func(w *world) {
		s := w.open(w.config(""))
		claim := w.next(s)
		w.put("k", "parent")
		w.take(claim, 1)
		_, _, err := w.server.Split(name, claim.Hold().Partition)
		require.NoError(w, err)
		w.put("k", "child")
		require.Empty(w, w.drain(claim))
		time.Sleep(26 * time.Hour)
		w.release(claim, true)
		for range 2 {
			_, err := w.next(s).Fetch(w.ctx, make([]stream.Record, 1))
			require.ErrorIs(w, err, stream.ErrExpired)
		}
	})
}
