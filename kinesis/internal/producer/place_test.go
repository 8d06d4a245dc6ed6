package producer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// keysOf returns n keys of each shard.
func keysOf(f *fake, n int) map[string][]string {
	m := shard.NewMap(f.shards)
	keys := map[string][]string{}
	for i := 0; ; i++ {
		key := fmt.Sprintf("key-%d", i)
		s, _ := m.Find(shard.HashKey(key))
		if len(keys[s.ID]) < n {
			keys[s.ID] = append(keys[s.ID], key)
		}
		full := len(keys) == len(f.shards)
		for _, some := range keys {
			full = full && len(some) == n
		}
		if full {
			return keys
		}
	}
}

func TestThrottledShardDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(4)
		f.trip = 10 * time.Millisecond
		keys := keysOf(f, 50)
		bad := shardID(2)
		m := shard.NewMap(f.shards)
		f.fault = func(_ int, entries []api.Entry) fault {
			codes := map[int]string{}
			for i, e := range entries {
				if s, _ := m.Find(shard.HashKey(e.Key)); s.ID == bad {
					codes[i] = api.Throughput
				}
			}
			return fault{codes: codes}
		}
		c := someConfig()
		c.DeliveryTimeout = 10 * time.Second
		var told []stream.Event
		c.Observe = func(e stream.Event) { told = append(told, e) }
		r := open(t, f, someSettings(), c)
		defer r.shutDown()
		began := time.Now()
		healthy := time.Duration(0)
		left := 3 * 50 * 4
		for round := range 4 {
			for id, some := range keys {
				for _, key := range some {
					r.Append(t.Context(), []*stream.Record{record(key, fmt.Sprint(round))}, func(a stream.Ack, err error) {
						r.done(a, err)
						if id != bad {
							if left--; left == 0 {
								healthy = time.Since(began)
							}
						}
					})
				}
			}
		}
		r.settle()
		require.Less(t, healthy, 500*time.Millisecond)
		require.Len(t, f.log, 600)
		require.NotEmpty(t, told)
		require.LessOrEqual(t, len(told), 11)
		require.Equal(t, stream.EventThrottled, told[0].Kind)
		require.ErrorIs(t, told[0].Err, stream.ErrThrottled)
		require.Less(t, f.entries-len(f.log), 2500, "entries that were refused")
	})
}

func TestOrderIsKeptWhileShardsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		f.trip = 10 * time.Millisecond
		s := someSettings()
		s.Aggregation = settings.SameKey
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		keys := []string{"a", "b", "c", "d"}
		sent := map[string][]string{}
		for i := range 200 {
			for _, key := range keys {
				rec := record(key, fmt.Sprintf("%s/%03d", key, i))
				sent[key] = append(sent[key], string(rec.Value))
				r.send(rec)
			}
			time.Sleep(10 * time.Millisecond)
			if i%40 == 39 {
				f.split(i)
			}
		}
		r.settle()
		for _, key := range keys {
			require.Equal(t, sent[key], r.values(key))
		}
		require.GreaterOrEqual(t, f.listings, 2, "the map follows")
	})
}

func TestProducerWorksWithoutTheRightToListShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		f.listErr = &api.Error{Op: "ListShards", Code: api.Denied, Status: 400}
		f.trip = 10 * time.Millisecond
		for _, how := range []settings.Aggregation{settings.AggregateOff, settings.ByShard} {
			s := someSettings()
			s.Aggregation = how
			r := open(t, f, s, someConfig())
			recs := keyed(string(how), 100)
			r.send(recs...)
			r.settle()
			require.Equal(t, values(recs), r.values(string(how)))
			r.shutDown()
		}
		require.Less(t, f.listings, 12)
	})
}

func TestRecordsOfAShardShareAKinesisRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		f.trip = 10 * time.Millisecond
		s := someSettings()
		s.Aggregation = settings.ByShard
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		r.send(record("first", "has the shards listed"))
		r.settle()
		synctest.Wait()
		var recs []*stream.Record
		for i := range 200 {
			recs = append(recs, record(fmt.Sprintf("k%d", i%50), fmt.Sprint(i)))
		}
		r.Append(t.Context(), recs, r.done)
		r.settle()
		require.LessOrEqual(t, len(f.log), 1+2*4)
		require.Len(t, r.stored(), 201)
		for _, rec := range recs {
			require.NoError(t, r.of(t, rec).err)
		}
		for i, p := range r.stored()[1:] {
			require.Equal(t, p.shard, f.place(api.Entry{Key: p.key}).ID, i)
		}
	})
}

// TestAggregateInAShardWhereItDoesNotBelongIsStoredAgain splits a shard, so that an aggregate of it reaches one of the
// two that replace it, where KCL would drop it.
func TestAggregateInAShardWhereItDoesNotBelongIsStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		s := someSettings()
		s.Aggregation = settings.ByShard
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		r.send(record("first", "has the shards listed"))
		r.settle()
		synctest.Wait()
		f.split(0)
		var recs []*stream.Record
		for i := range 100 {
			recs = append(recs, record(fmt.Sprintf("k%d", i), fmt.Sprint(i)))
		}
		r.Append(t.Context(), recs, r.done)
		r.settle()
		for _, rec := range recs {
			got := r.of(t, rec)
			require.NoError(t, got.err)
			require.True(t, got.ack.Duplicate)
			require.Equal(t, f.place(api.Entry{Key: string(rec.Key)}).ID, got.ack.Partition)
		}
	})
}

func TestStrictNamesTheRecordBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip = time.Millisecond
		f.fault = func(call int, _ []api.Entry) fault {
			if call == 2 {
				return fault{later: lostAnswer()}
			}
			return fault{}
		}
		s := someSettings()
		s.Mode = settings.Strict
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		recs := keyed("a", 3)
		r.send(recs...)
		r.settle()
		time.Sleep(time.Hour)
		last := record("a", "last")
		r.send(last)
		r.settle()
		log := f.log // the second stands twice
		require.Equal(t, []string{"", log[0].sequence, log[0].sequence, log[2].sequence, log[3].sequence}, f.after)
		require.True(t, r.of(t, recs[1]).ack.Duplicate)
	})
}

func TestWhatIsStoredIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2)
		c := someConfig()
		c.Observed = true
		var told []stream.Event
		c.Observe = func(e stream.Event) { told = append(told, e) }
		s := someSettings()
		s.Aggregation = settings.SameKey
		r := open(t, f, s, c)
		defer r.shutDown()
		r.send(append(keyed("a", 10), keyed("b", 10)...)...)
		r.settle()
		records, bytes := 0, int64(0)
		for _, e := range told {
			require.Equal(t, stream.EventProduced, e.Kind)
			require.Equal(t, "s", e.Stream)
			require.NotEmpty(t, e.Partition)
			records += e.Records
			bytes += e.Bytes
		}
		require.Equal(t, 20, records)
		require.EqualValues(t, 20*6, bytes)
	})
}

func TestAggregatesStayWithinTheirBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, how := range []settings.Aggregation{settings.SameKey, settings.ByShard} {
			f := newFake(1)
			f.trip = 10 * time.Millisecond
			s := someSettings()
			s.Aggregation, s.AggregateBytes, s.AggregateRecords = how, 2000, 12
			r := open(t, f, s, someConfig())
			for i := range 300 {
				r.send(record(fmt.Sprintf("k%d", i%3), string(make([]byte, i))))
			}
			r.settle()
			r.shutDown()
			var d aggregate.Decoder
			packed := 0
			for _, e := range f.log {
				require.LessOrEqual(t, len(e.data), 2000)
				if d.Parse(e.data) {
					require.LessOrEqual(t, d.Len(), 12)
					packed += d.Len()
				}
			}
			require.Greater(t, packed, 200)
		}
	})
}
