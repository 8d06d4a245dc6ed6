package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// packed is an aggregate of records with one key.
func packed(key string, values ...string) []byte {
	var e aggregate.Encoder
	for _, v := range values {
		e.Add(key, "", []byte(v), nil)
	}
	return e.AppendTo(nil)
}

func (w *world) putData(key string, data []byte) {
	_, err := w.service.PutRecord(w.ctx, name, api.Entry{Key: key, Data: data}, "")
	require.NoError(w, err)
}

func TestFetchSetsEveryFieldAndGoesOnAtNextCall(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c")
		claim := w.next(w.open(w.config("g")))
		into := []stream.Record{{Headers: []stream.Header{{Key: "old"}}, Key: []byte("old")}}
		for _, want := range []string{"a", "b", "c"} {
			n, err := claim.Fetch(w.ctx, into)
			require.NoError(w, err)
			require.Equal(w, 1, n)
			require.Equal(w, want, string(into[0].Value))
			require.Equal(w, "k", string(into[0].Key))
			require.Empty(w, into[0].Headers)
			require.Equal(w, name, into[0].Stream)
			require.Equal(w, claim.Hold().Partition, into[0].Partition)
			require.False(w, into[0].Position.IsZero())
			require.False(w, into[0].Time.IsZero())
		}
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		_, err := claim.Fetch(ended, into)
		require.ErrorIs(w, err, context.Canceled)
		w.nothing(claim, 10*time.Second)
		w.put("k", "d")
		require.Equal(w, []string{"d"}, values(w.take(claim, 1)))
	})
}

func TestReleaseEndsWhatIsUnderWay(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		s := w.open(w.config("g"))
		claim := w.next(s)
		rec := w.take(claim, 1)[0]
		waiting := make(chan error)
		go func() {
			_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
			waiting <- err
		}()
		time.Sleep(time.Second)
		w.release(claim, false)
		require.ErrorIs(w, <-waiting, stream.ErrLost)
		_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, stream.ErrLost)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: rec.Position}), stream.ErrLost)
		again := w.next(s)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: rec.Position}), stream.ErrLost)
		require.True(w, again.Hold().Saved.Position.IsZero())
	})
}

func TestSeekReplacesTheSavedPosition(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c", "d")
		s := w.open(w.config("g"))
		claim := w.next(s)
		recs := w.take(claim, 4)
		w.save(claim, recs[2])
		w.release(claim, false)
		w.close(s)
		c := w.config("g")
		c.External = true
		s = w.open(c)
		claim = w.next(s)
		require.True(w, claim.Hold().Saved.Position.IsZero(), "the lease's checkpoint is not the Checkpointer's")
		require.NoError(w, claim.Seek(w.ctx, recs[0].Position))
		require.Equal(w, []string{"b", "c", "d"}, values(w.take(claim, 3)))
		require.ErrorIs(w, claim.Seek(w.ctx, recs[0].Position), stream.ErrInvalid)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[3].Position}), stream.ErrUnsupported)
	})
}

func TestCheckpointNeverGoesBack(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c")
		claim := w.next(w.open(w.config("g")))
		recs := w.take(claim, 3)
		w.save(claim, recs[1])
		before := w.rows("g")[claim.Hold().Partition]
		w.save(claim, recs[0])
		after := w.rows("g")[claim.Hold().Partition]
		require.Equal(w, before.Checkpoint, after.Checkpoint)
		require.Equal(w, before.Counter, after.Counter)
		w.save(claim, recs[2])
		require.Greater(w, w.rows("g")[claim.Hold().Partition].Counter, before.Counter, "a checkpoint is a renewal")
	})
}

func TestCheckpointRefusesWhatItCannotKeep(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		claim := w.next(w.open(w.config("g")))
		rec := w.take(claim, 1)[0]
		large := stream.Checkpoint{Position: rec.Position, State: make([]byte, 64<<10+1)}
		require.ErrorIs(w, claim.Checkpoint(w.ctx, large), stream.ErrTooLarge)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{}), stream.ErrInvalid)
		foreign := stream.Checkpoint{Position: stream.MakePosition([3]uint64{0, 0, 7}, 0, 3)}
		require.ErrorIs(w, claim.Checkpoint(w.ctx, foreign), stream.ErrInvalid)
		large.State = bytes.Repeat([]byte{1}, 64<<10)
		require.NoError(w, claim.Checkpoint(w.ctx, large))
	})
}

// A lease is lost while the handler works: its save is refused, and Lost is closed within the lease (test 10).
func TestLostLeaseRefusesCheckpoints(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b")
		s := w.open(w.config("g"))
		claim := w.next(s)
		recs := w.take(claim, 2)
		w.mu.Lock()
		w.faults = func(c lease.Call) lease.Fault { return lease.Fault{Err: stream.ErrThrottled} }
		w.mu.Unlock()
		began := time.Now()
		select {
		case <-claim.Hold().Lost:
		case <-time.After(time.Minute):
			require.Fail(w, "the loss is not noticed")
		}
		require.LessOrEqual(w, time.Since(began), w.set.Failover)
		require.ErrorIs(w, claim.Checkpoint(w.ctx, stream.Checkpoint{Position: recs[0].Position}), stream.ErrLost)
		_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, stream.ErrLost)
		w.mu.Lock()
		w.faults = nil
		w.mu.Unlock()
		w.noNext(s, time.Minute) // its former claim is not released
		w.release(claim, true)
		require.Equal(w, []string{"a", "b"}, values(w.take(w.next(s), 2)))
	})
}

// A handler many times as slow as the lease keeps it (test 4).
func TestSlowHandlerKeepsItsLease(t *testing.T) {
	run(t, 1, func(w *world) {
		w.set.BufferBytes = 1 << 10
		for range 20 {
			w.putData("k", make([]byte, 512))
		}
		s := w.open(w.config("g"))
		claim := w.next(s)
		other := w.open(w.config("g"))
		for range 20 {
			rec := w.take(claim, 1)[0]
			time.Sleep(10 * w.set.Failover)
			w.save(claim, rec)
		}
		select {
		case <-claim.Hold().Lost:
			require.Fail(w, "the lease is lost")
		default:
		}
		w.noNext(other, time.Second)
	})
}

// A Fetch is cancelled in the middle of the last page of a closed shard: that is not its end (test 9).
func TestCancelInTheLastPageIsNotTheEnd(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b", "c")
		s := w.open(w.config("g"))
		claim := w.next(s)
		_, _, err := w.server.Split(name, claim.Hold().Partition)
		require.NoError(w, err)
		require.Equal(w, []string{"a"}, values(w.take(claim, 1)))
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		for range 3 {
			_, err = claim.Fetch(ctx, make([]stream.Record, 1))
			require.ErrorIs(w, err, context.Canceled)
		}
		time.Sleep(time.Minute)
		_, err = claim.Fetch(ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, context.Canceled)
		require.Equal(w, []string{"b", "c"}, values(w.drain(claim)))
	})
}

func TestReleaseWithoutTheEndDoesNotFinishTheShard(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a", "b")
		s := w.open(w.config("g"))
		claim := w.next(s)
		_, _, err := w.server.Split(name, claim.Hold().Partition)
		require.NoError(w, err)
		w.take(claim, 1)
		w.release(claim, true) // says so, but has not read to the end
		again := w.next(s)
		require.Equal(w, claim.Hold().Partition, again.Hold().Partition)
		require.Equal(w, []string{"a", "b"}, values(w.drain(again)))
	})
}

func TestAggregateIsResumedInItsMiddle(t *testing.T) {
	run(t, 1, func(w *world) {
		w.putData("k", packed("k", "a", "b", "c"))
		w.put("k", "d")
		s := w.open(w.config("g"))
		claim := w.next(s)
		recs := w.take(claim, 4)
		require.Equal(w, []string{"a", "b", "c", "d"}, values(recs))
		w.save(claim, recs[0])
		row := w.rows("g")[claim.Hold().Partition]
		require.EqualValues(w, 0, row.Sub)
		w.release(claim, false)
		claim = w.next(s)
		recs = w.take(claim, 3)
		require.Equal(w, []string{"b", "c", "d"}, values(recs))
		w.save(claim, recs[0])
		row = w.rows("g")[claim.Hold().Partition]
		require.EqualValues(w, 1, row.Sub)
		w.release(claim, false)
		claim = w.next(s)
		require.Equal(w, recs[0].Position, claim.Hold().Saved.Position)
		require.Equal(w, []string{"c", "d"}, values(w.take(claim, 2)))
	})
}

// torn is an aggregate of which the second record's key is outside the table.
func torn() []byte {
	message := []byte{
		0x0a, 1, 'k',
		0x1a, 5, 0x08, 0, 0x1a, 1, 'a',
		0x1a, 5, 0x08, 9, 0x1a, 1, 'b',
		0x1a, 5, 0x08, 0, 0x1a, 1, 'c',
	}
	return aggregateOf(message)
}

// A record of an aggregate does not decode: it is never passed (test 5).
func TestCorruptAggregateIsNotPassed(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "before")
		w.putData("k", torn())
		w.put("k", "after")
		s := w.open(w.config("g"))
		for range 2 {
			claim := w.next(s)
			require.Equal(w, []string{"before", "a"}, values(w.take(claim, 2)))
			for range 3 {
				_, err := claim.Fetch(w.ctx, make([]stream.Record, 10))
				require.ErrorIs(w, err, stream.ErrCorrupt)
				var placed *stream.Error
				require.True(w, errors.As(err, &placed))
				require.Equal(w, claim.Hold().Partition, placed.Partition)
			}
			w.release(claim, true)
		}
	})
}

func TestForeignRecordsAreDelivered(t *testing.T) {
	run(t, 2, func(w *world) {
		s := w.open(w.config("g"))
		one, two := w.next(s), w.next(s)
		if !one.Hold().Owns([]byte("a")) {
			one, two = two, one
		}
		var e aggregate.Encoder
		for _, k := range keys {
			e.Add(k, "", []byte(k), nil)
		}
		w.putData("a", e.AppendTo(nil))
		require.Equal(w, keys, values(w.take(one, len(keys))))
		w.nothing(two, 10*time.Second)
	})
}

func TestForeignAggregatesAreDroppedIfSoConfigured(t *testing.T) {
	run(t, 2, func(w *world) {
		w.set.DropForeign = true
		s := w.open(w.config("g"))
		one, two := w.next(s), w.next(s)
		if !one.Hold().Owns([]byte("a")) {
			one, two = two, one
		}
		var e aggregate.Encoder
		for _, k := range keys {
			e.Add(k, "", []byte(k), nil)
		}
		w.putData("a", e.AppendTo(nil))
		w.putData("a", packed("a", "own"))
		require.Equal(w, []string{"own"}, values(w.take(one, 1)))
		w.nothing(two, 10*time.Second)
	})
}

func TestBusyServiceIsWaitedFor(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		claim := w.next(w.open(w.config("g")))
		w.server.Script().Add(fakekinesis.Fault{Op: "GetRecords", Times: 20, Kind: fakekinesis.Refuse, Code: "InternalFailure"})
		require.Equal(w, []string{"a"}, values(w.take(claim, 1)))
		w.server.Script().Add(fakekinesis.Fault{Op: "GetRecords", Times: 20, Kind: fakekinesis.Reset})
		w.put("k", "b")
		require.Equal(w, []string{"b"}, values(w.take(claim, 1)))
	})
}

func TestRefusedReadIsAnErrorAndMayBeTriedAgain(t *testing.T) {
	run(t, 1, func(w *world) {
		w.put("k", "a")
		w.server.Script().Add(fakekinesis.Fault{Op: "GetShardIterator", Kind: fakekinesis.Refuse, Code: "AccessDeniedException"})
		claim := w.next(w.open(w.config("g")))
		_, err := claim.Fetch(w.ctx, make([]stream.Record, 1))
		require.ErrorIs(w, err, stream.ErrUnauthorized)
		require.Equal(w, []string{"a"}, values(w.take(claim, 1)))
	})
}

func TestBufferIsBounded(t *testing.T) {
	run(t, 1, func(w *world) {
		w.set.BufferBytes = 64 << 10
		for range 100 {
			w.putData("k", make([]byte, 16<<10))
		}
		claim := w.next(w.open(w.config("g")))
		w.take(claim, 1)
		before := w.server.Ops()["GetRecords"]
		time.Sleep(10 * time.Minute)
		require.LessOrEqual(w, w.server.Ops()["GetRecords"]-before, 10, "nothing is fetched without room")
		w.take(claim, 99)
	})
}

func TestEndOfAShardIsAnEnd(t *testing.T) {
	run(t, 1, func(w *world) {
		claim := w.next(w.open(w.config("g")))
		_, _, err := w.server.Split(name, claim.Hold().Partition)
		require.NoError(w, err)
		for range 2 {
			_, err = claim.Fetch(w.ctx, make([]stream.Record, 1))
			require.ErrorIs(w, err, io.EOF)
		}
	})
}
