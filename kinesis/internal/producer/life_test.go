package producer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/producer"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

func TestAppendWaitsForSpaceUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(int, []api.Entry) fault { return fault{hang: true} }
		c := someConfig()
		c.BufferedRecords, c.DeliveryTimeout = 3, time.Minute
		s := someSettings()
		s.PutTimeout = time.Minute
		r := open(t, f, s, c)
		recs := keyed("a", 5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		r.Append(ctx, recs, r.done)
		require.Equal(t, time.Second, time.Since(began))
		for _, rec := range recs[3:] {
			require.ErrorIs(t, r.of(t, rec).err, context.DeadlineExceeded)
			require.NotErrorIs(t, r.of(t, rec).err, stream.ErrUnknownOutcome)
		}
		require.Equal(t, 2, r.count())
		_ = r.Close(ended())
		require.Equal(t, 5, r.count())
	})
}

func TestMemoryIsBoundedByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip = 100 * time.Millisecond
		c := someConfig()
		c.BufferedBytes = 1000
		r := open(t, f, someSettings(), c)
		defer r.shutDown()
		var open, most atomic.Int64
		for range 50 {
			rec := record("a", string(make([]byte, 299)))
			r.Append(t.Context(), []*stream.Record{rec}, func(stream.Ack, error) { open.Add(-300) })
			most.Store(max(most.Load(), open.Add(300)))
		}
		huge := record("b", string(make([]byte, 5000)))
		r.send(huge)
		r.settle()
		require.NoError(t, r.of(t, huge).err)
		require.LessOrEqual(t, most.Load(), int64(1000))
		require.GreaterOrEqual(t, most.Load(), int64(600))
	})
}

func TestCloseWithAStuckServiceFailsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		f.fault = func(int, []api.Entry) fault { return fault{hang: true} }
		r := open(t, f, someSettings(), someConfig())
		recs := append(keyed("a", 3), keyed("b", 3)...)
		r.send(recs...)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := r.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, 6, r.count())
		for i, rec := range recs {
			got := r.of(t, rec).err
			require.ErrorIs(t, got, stream.ErrClosed)
			if i%3 == 0 {
				require.ErrorIs(t, got, stream.ErrUnknownOutcome)
			} else {
				require.NotErrorIs(t, got, stream.ErrUnknownOutcome)
			}
		}
		require.Equal(t, err, r.Close(t.Context()))
		late := record("a", "late")
		r.send(late)
		require.ErrorIs(t, r.of(t, late).err, stream.ErrClosed)
		require.ErrorIs(t, r.Flush(t.Context()), stream.ErrClosed)
	})
}

func TestCloseWaitsForWhatIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip = time.Second
		s := someSettings()
		s.Linger = time.Minute
		r := open(t, f, s, someConfig())
		recs := keyed("a", 3)
		r.send(recs...)
		r.shutDown()
		require.Equal(t, values(recs), r.values("a"))
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(int, []api.Entry) fault { return fault{hang: true} }
		r := open(t, f, someSettings(), someConfig())
		r.send(record("a", "1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Flush(ctx), context.DeadlineExceeded)
		_ = r.Close(ended())
	})
}

func TestRecordsLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		s := someSettings()
		s.Linger = 50 * time.Millisecond
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		r.send(record("a", "1"))
		time.Sleep(30 * time.Millisecond)
		r.send(record("b", "2"))
		time.Sleep(19 * time.Millisecond)
		require.Zero(t, r.count())
		time.Sleep(2 * time.Millisecond)
		require.Equal(t, 2, r.count())
		require.Equal(t, 1, f.calls)
	})
}

func TestStreamThatGoesAutoFailsAProducerThatKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		before := record("a", "before")
		r.send(before)
		r.settle()
		require.NoError(t, r.of(t, before).err)
		f.fault = func(int, []api.Entry) fault { return fault{all: api.Throughput} }
		waiting := record("a", "waiting")
		r.send(waiting)
		time.Sleep(20 * time.Millisecond)
		r.probe.set(producer.Facts{RecordBytes: 1 << 20, Auto: true})
		r.settle()
		after := record("a", "after")
		r.send(after)
		for _, rec := range []*stream.Record{waiting, after} {
			require.ErrorIs(t, r.of(t, rec).err, stream.ErrUnsupported)
			require.ErrorContains(t, r.of(t, rec).err, "AUTO")
		}
	})
}

func TestAutoStreamIsRefusedToAProducerThatKeepsOrder(t *testing.T) {
	c := someConfig()
	c.Streams = []string{"s"}
	p := &probe{facts: producer.Facts{Auto: true}}
	for _, mode := range []settings.Mode{settings.KeyOrdered, settings.Strict} {
		s := someSettings()
		s.Mode = mode
		_, err := producer.New(newFake(1), s, c, p)
		require.ErrorIs(t, err, stream.ErrUnsupported)
	}
}

func TestUnorderedProducerWritesToAnAutoStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		s := someSettings()
		s.Mode, s.Aggregation = settings.Unordered, settings.SameKey
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		r.probe.set(producer.Facts{RecordBytes: 1 << 20, Auto: true, Shards: 2})
		recs := append(keyed("a", 10), &stream.Record{Stream: "s", Value: []byte("no key")})
		r.Append(t.Context(), recs, r.done)
		r.settle()
		for _, rec := range recs {
			require.NoError(t, r.of(t, rec).err)
		}
		require.Len(t, f.log, 11) // no aggregate, which KCL would drop
		require.Zero(t, f.listings)
	})
}

func TestTransactionsAreRefused(t *testing.T) {
	c := someConfig()
	c.Transactions = true
	_, err := producer.New(newFake(1), someSettings(), c, &probe{})
	require.ErrorIs(t, err, stream.ErrUnsupported)
}

func TestStreamsNotListedAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := someConfig()
		c.Streams = []string{"other"}
		r := open(t, newFake(1), someSettings(), c)
		defer r.shutDown()
		rec := record("a", "1")
		r.send(rec)
		require.ErrorIs(t, r.of(t, rec).err, stream.ErrUnsupported)
	})
}

func TestContextThatHasEndedAcceptsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newFake(1), someSettings(), someConfig())
		defer r.shutDown()
		rec := record("a", "1")
		r.Append(ended(), []*stream.Record{rec}, r.done)
		require.ErrorIs(t, r.of(t, rec).err, context.Canceled)
		require.Empty(t, r.stored())
	})
}
