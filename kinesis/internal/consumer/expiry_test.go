package consumer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// patient makes a test of days affordable.
func (w *world) patient() {
	w.set.PollEvery, w.set.Failover, w.set.SyncEvery = 2*time.Minute, time.Hour, time.Hour
}

// expired checks that an error says what was asked and what is left.
func (w *world) expired(err error, asked, oldest stream.Position) {
	w.Helper()
	require.ErrorIs(w, err, stream.ErrExpired)
	var placed *stream.Error
	require.True(w, errors.As(err, &placed))
	require.Equal(w, asked, placed.Asked)
	require.Equal(w, oldest, placed.Oldest)
}

// passed has a group settle one record of two, and stay away while they expire; two more are left.
func (w *world) passed() (settled stream.Record) {
	w.patient()
	w.put("k", "a", "b")
	s := w.open(w.config("g"))
	claim := w.next(s)
	settled = w.take(claim, 1)[0]
	w.save(claim, settled)
	w.release(claim, false)
	w.close(s)
	time.Sleep(25 * time.Hour)
	w.put("k", "c", "d")
	return settled
}

func TestExpiredCheckpointIsAnErrorThatStays(t *testing.T) {
	run(t, 1, func(w *world) {
		settled := w.passed()
		left, err := w.server.Records(name, "")
		require.NoError(w, err)
		require.Len(w, left, 2)
		for range 2 {
			s := w.open(w.config("g"))
			claim := w.next(s)
			var oldest stream.Position
			require.NoError(w, oldest.UnmarshalText([]byte(left[0].Sequence)))
			for range 2 {
				_, err := claim.Fetch(w.ctx, make([]stream.Record, 10))
				w.expired(err, settled.Position, oldest)
			}
			w.release(claim, true)
			w.close(s)
		}
		require.Empty(w, w.told(stream.EventGap))
	})
}

func TestExpiredCheckpointGoesOnAtTheOldest(t *testing.T) {
	run(t, 1, func(w *world) {
		settled := w.passed()
		c := w.config("g")
		c.Expired = stream.ExpiredOldest
		s := w.open(c)
		claim := w.next(s)
		recs := w.take(claim, 2)
		require.Equal(w, []string{"c", "d"}, values(recs))
		gaps := w.told(stream.EventGap)
		require.Len(w, gaps, 1)
		require.Equal(w, settled.Position, gaps[0].Position)
		require.Equal(w, recs[0].Position, gaps[0].Oldest)
		w.expired(gaps[0].Err, settled.Position, recs[0].Position)
		w.save(claim, recs[0])
		w.release(claim, false)
		require.Equal(w, []string{"d"}, values(w.take(w.next(s), 1)))
		require.Len(w, w.told(stream.EventGap), 1)
	})
}

func TestExpiredCheckpointGoesOnAtTheEnd(t *testing.T) {
	run(t, 1, func(w *world) {
		w.passed()
		c := w.config("g")
		c.Expired = stream.ExpiredLatest
		claim := w.next(w.open(c))
		w.nothing(claim, 10*time.Minute)
		require.Len(w, w.told(stream.EventGap), 1)
		w.put("k", "late")
		require.Equal(w, []string{"late"}, values(w.take(claim, 1)))
	})
}

func TestIdleShardExpiresNothing(t *testing.T) {
	run(t, 1, func(w *world) {
		w.patient()
		w.put("k", "a")
		s := w.open(w.config("g"))
		claim := w.next(s)
		w.save(claim, w.take(claim, 1)[0])
		w.nothing(claim, 60*time.Hour)
		w.put("k", "b")
		require.Equal(w, []string{"b"}, values(w.take(claim, 1)))
		w.release(claim, false)
		w.close(s)
		s = w.open(w.config("g"))
		claim = w.next(s)
		require.Equal(w, []string{"b"}, values(w.take(claim, 1)), "the shard was known to be settled at its tip")
		require.Empty(w, w.told(stream.EventGap))
	})
}

func TestRecordsThatExpireUnderTheirReaderAreMissed(t *testing.T) {
	run(t, 1, func(w *world) {
		w.patient()
		w.set.BufferBytes, w.set.PollLimit = 1<<10, 1
		for range 10 {
			w.putData("k", make([]byte, 1<<10))
		}
		claim := w.next(w.open(w.config("g")))
		last := w.take(claim, 1)[0]
		time.Sleep(25 * time.Hour)
		w.put("k", "young")
		for {
			into := make([]stream.Record, 1)
			_, err := claim.Fetch(w.ctx, into)
			if err == nil {
				require.NotEqual(w, "young", string(into[0].Value))
				last = into[0]
				continue
			}
			left, _ := w.server.Records(name, "")
			var oldest stream.Position
			require.NoError(w, oldest.UnmarshalText([]byte(left[0].Sequence)))
			w.expired(err, last.Position, oldest)
			return
		}
	})
}

func TestNewGroupAtTheOldestRecordMissesNothing(t *testing.T) {
	run(t, 1, func(w *world) {
		w.patient()
		w.put("k", "a")
		time.Sleep(25 * time.Hour)
		w.put("k", "b")
		for _, group := range []string{"g", ""} {
			claim := w.next(w.open(w.config(group)))
			require.Equal(w, []string{"b"}, values(w.take(claim, 1)))
		}
		require.Empty(w, w.told(stream.EventGap))
	})
}

func TestSoughtPositionThatExpiredIsAnError(t *testing.T) {
	run(t, 1, func(w *world) {
		w.patient()
		w.put("k", "a", "b")
		reading := w.open(w.config(""))
		recs := w.take(w.next(reading), 2)
		time.Sleep(25 * time.Hour)
		for _, left := range []string{"", "c"} {
			if left != "" {
				w.put("k", left)
			}
			for _, group := range []string{"g", ""} {
				c := w.config(group)
				c.External = true
				s := w.open(c)
				claim := w.next(s)
				require.NoError(w, claim.Seek(w.ctx, recs[0].Position))
				_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
				require.ErrorIs(w, err, stream.ErrExpired)
				w.release(claim, false)
				w.close(s)
			}
		}
	})
}

func TestShardThatVanishesUnreadIsALoss(t *testing.T) {
	for policy, want := range map[string]int{stream.ExpiredFail: 0, stream.ExpiredOldest: 1} {
		run(t, 1, func(w *world) {
			w.patient()
			w.put("k", "a", "b")
			c := w.config("g")
			s := w.open(c)
			claim := w.next(s)
			w.save(claim, w.take(claim, 1)[0])
			_, _, err := w.server.Split(name, claim.Hold().Partition)
			require.NoError(w, err)
			w.release(claim, false)
			w.close(s)
			time.Sleep(50 * time.Hour)
			w.putAll("child")

			c = w.config("g")
			c.Expired = policy
			s = w.open(c)
			claim = w.next(s)
			if want == 0 {
				_, err = claim.Fetch(w.ctx, make([]stream.Record, 1))
				require.ErrorIs(w, err, stream.ErrExpired)
				w.release(claim, false)
				return
			}
			require.Empty(w, w.drain(claim))
			require.NotEmpty(w, w.told(stream.EventGap))
			w.release(claim, true)
			w.next(s)
			w.next(s)
		})
	}
}
