package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// TestAWeekAtOneRecordASecond runs a week of virtual time.
func TestAWeekAtOneRecordASecond(t *testing.T) {
	for _, p := range []memory.Profile{memory.Strict, memory.Kafka} {
		t.Run(p.String(), func(t *testing.T) {
			c := one(memory.Config{Profile: p})
			c.Streams[0].Retention = 24 * time.Hour
			bubble(t, c, func(t *testing.T, b *memory.Backend) {
				s := openSink(t, b)
				r := rec("k", "v")
				for range 7 * 24 * 3600 {
					s.Append(t.Context(), []*stream.Record{r}, func(_ stream.Ack, err error) { require.NoError(t, err) })
					time.Sleep(time.Second)
				}
				require.InDelta(t, 24*3600, len(b.Records("s")), 301)
			})
		})
	}
}

func TestRow30ExpiredPositions(t *testing.T) {
	for _, p := range profiles {
		for _, policy := range []string{stream.ExpiredFail, stream.ExpiredOldest, stream.ExpiredLatest} {
			t.Run(p.String()+" "+policy, func(t *testing.T) {
				bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) { expire(t, b, policy) })
			})
		}
	}
}

func expire(t *testing.T, b *memory.Backend, policy string) {
	acks := sendAll(t, b, rec("a", "1"), rec("a", "2"))
	var gaps []stream.Event
	c := sourceConfig("g", "m")
	c.Expired = policy
	c.Observe = func(e stream.Event) { gaps = append(gaps, e) }
	s := openSource(t, b, c)
	claim := next(t, s)
	read(t, claim, 1)
	require.NoError(t, claim.Checkpoint(t.Context(), stream.Checkpoint{Position: acks[0].Position}))
	time.Sleep(8 * 24 * time.Hour)
	last := sendAll(t, b, rec("a", "3"))[0]
	into := make([]stream.Record, 1)
	switch policy {
	case stream.ExpiredFail:
		_, err := claim.Fetch(t.Context(), into)
		var place *stream.Error
		require.ErrorAs(t, err, &place)
		require.ErrorIs(t, err, stream.ErrExpired)
		require.Equal(t, acks[0].Position, place.Asked)
		require.Equal(t, last.Position, place.Oldest)
		require.Empty(t, gaps)
		return
	case stream.ExpiredOldest:
		require.Equal(t, []string{"3"}, values(read(t, claim, 1)))
	case stream.ExpiredLatest:
		go func() {
			time.Sleep(time.Second)
			sendAll(t, b, rec("a", "4"))
		}()
		require.Equal(t, []string{"4"}, values(read(t, claim, 1)))
	}
	require.Len(t, gaps, 1)
	require.Equal(t, stream.EventGap, gaps[0].Kind)
	require.Equal(t, acks[0].Position, gaps[0].Position)
	require.Equal(t, last.Position, gaps[0].Oldest)
}

// TestTrimmedBeforeTheFirstRead: a group's beginning is a position too.
func TestTrimmedBeforeTheFirstRead(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		acks := sendAll(t, b, rec("a", "1"), rec("a", "2"))
		s := openSource(t, b, sourceConfig("g", "m"))
		require.NoError(t, b.Trim("s", shard0, acks[1].Position))
		_, err := next(t, s).Fetch(t.Context(), make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrExpired)
		// A group that is born later begins at what is left.
		require.Equal(t, []string{"2"}, values(read(t, next(t, openSource(t, b, sourceConfig("h", "m"))), 1)))
	})
}

func TestRetentionByBytes(t *testing.T) {
	c := one(kafka())
	c.PartitionBytes = 10_000
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		for i := range 1000 {
			sendAll(t, b, rec("a", fmt.Sprintf("%071d", i))) // 101 bytes encoded
		}
		recs := b.Records("s")
		require.InDelta(t, 99, len(recs), 1)
		require.Equal(t, fmt.Sprintf("%071d", 999), string(recs[len(recs)-1].Value))
		caps, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, int64(10_000), caps.Retention.Bytes)
	})
}

func TestLoweringRetentionTrimsAtOnce(t *testing.T) {
	c := one(kinesis())
	c.Streams[0].Retention = 72 * time.Hour
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		sendAll(t, b, rec("a", "1"))
		time.Sleep(48 * time.Hour)
		require.Len(t, b.Records("s"), 1)
		require.ErrorIs(t, b.Retain("s", time.Hour), stream.ErrUnsupported)
		require.NoError(t, b.Retain("s", 24*time.Hour))
		require.Empty(t, b.Records("s"))
	})
}

func TestCompactionKeepsTheLastOfEachKey(t *testing.T) {
	c := kafka()
	c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 1, Compacted: true}}
	bubble(t, c, func(t *testing.T, b *memory.Backend) {
		const keys, rounds = 100, 200
		for round := range rounds {
			var recs []*stream.Record
			for k := range keys {
				recs = append(recs, rec(fmt.Sprint(k), fmt.Sprintf("%080d", round)))
			}
			sendAll(t, b, recs...)
		}
		require.Less(t, len(b.Records("s")), keys*rounds/2, "it compacts by itself")
		gone := rec("7", "")
		gone.Value = nil
		at := sendAll(t, b, gone)[0].Position
		claim := next(t, openSource(t, b, sourceConfig("g", "m")))
		half := read(t, claim, 50)
		require.NoError(t, b.Compact("s"))
		rest := read(t, claim, keys)
		require.Positive(t, rest[0].Position.Compare(half[49].Position), "a reader goes on where it was")
		recs := b.Records("s")
		require.Len(t, recs, keys)
		require.Nil(t, recs[keys-1].Value, "the tombstone stays for a day")
		require.Equal(t, at, recs[keys-1].Position)
		time.Sleep(25 * time.Hour)
		require.NoError(t, b.Compact("s"))
		require.Len(t, b.Records("s"), keys-1)
		a := send(t, openSink(t, b), &stream.Record{Stream: "s", Value: []byte("v")})
		require.ErrorIs(t, a[0].err, stream.ErrInvalid, "a record without key")
	})
}
