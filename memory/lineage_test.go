package memory_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

const shard0, shard1, shard2, shard3 = "shardId-000000000000", "shardId-000000000001", "shardId-000000000002", "shardId-000000000003"

func TestChildrenWaitForTheirParents(t *testing.T) {
	for _, p := range []memory.Profile{memory.Strict, memory.Kinesis} {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, one(memory.Config{Profile: p}), func(t *testing.T, b *memory.Backend) {
				acks := sendAll(t, b, rec("a", "1"), rec("b", "2"))
				s := openSource(t, b, sourceConfig("g", "m"))
				parent := next(t, s)
				require.NoError(t, b.Split("s", shard0))
				require.Equal(t, []string{shard0, shard1, shard2}, b.Partitions("s"))
				for i := range 20 {
					ack := sendAll(t, b, rec(fmt.Sprint(i), "child"))[0]
					require.NotEqual(t, shard0, ack.Partition)
					require.Positive(t, ack.Position.Compare(acks[1].Position), "a child's positions follow its parent's")
				}
				none(t, s)
				recs := drain(t, parent)
				require.Equal(t, []string{"1", "2"}, values(recs))
				to := stream.Checkpoint{Position: recs[1].Position, State: []byte("state")}
				require.NoError(t, parent.Checkpoint(t.Context(), to))
				require.NoError(t, parent.Release(t.Context(), true))
				left, right := next(t, s), next(t, s)
				for _, c := range []stream.Claim{left, right} {
					require.Equal(t, []stream.Parent{{Partition: shard0, Saved: to}}, c.Hold().Replaces)
				}
				for i := range 100 {
					key := []byte(fmt.Sprint(i))
					require.NotEqual(t, left.Hold().Owns(key), right.Hold().Owns(key), "each key belongs to one")
				}
			})
		})
	}
}

func TestMergeWaitsForBothParents(t *testing.T) {
	bubble(t, memory.Config{}, func(t *testing.T, b *memory.Backend) {
		s := openSource(t, b, sourceConfig("g", "m"))
		x, y := next(t, s), next(t, s)
		require.NoError(t, b.Merge("s", shard1, shard0))
		drain(t, x)
		require.NoError(t, x.Release(t.Context(), true))
		none(t, s)
		drain(t, y)
		require.NoError(t, y.Release(t.Context(), true))
		child := next(t, s)
		require.Equal(t, shard2, child.Hold().Partition)
		require.Len(t, child.Hold().Replaces, 2)
		require.NoError(t, b.Split("s", shard2))
		drain(t, child)
		require.NoError(t, child.Release(t.Context(), true))
		require.Len(t, next(t, s).Hold().Replaces[0].Replaces, 2, "grandparents are told too")
	})
}

func TestAParentThatWasNotFinishedComesBack(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		s := openSource(t, b, sourceConfig("g", "m"))
		c := next(t, s)
		require.NoError(t, b.Split("s", shard0))
		drain(t, c)
		require.NoError(t, c.Release(t.Context(), false))
		require.Equal(t, shard0, next(t, s).Hold().Partition)
		none(t, s)
	})
}

// TestAGroupBornAtLatestAfterAReshard reads nothing older than its birth, and everything after it.
func TestAGroupBornAtLatestAfterAReshard(t *testing.T) {
	bubble(t, one(memory.Config{}), func(t *testing.T, b *memory.Backend) {
		sendAll(t, b, rec("a", "old"))
		require.NoError(t, b.Split("s", shard0))
		sendAll(t, b, rec("a", "old"), rec("b", "old"))
		c := sourceConfig("g", "m")
		c.Start = stream.Latest()
		s := openSource(t, b, c)
		open := map[string]stream.Claim{}
		for range 2 {
			c := next(t, s)
			open[c.Hold().Partition] = c
		}
		none(t, s)
		ack := sendAll(t, b, rec("a", "new"))[0]
		require.Equal(t, []string{"new"}, values(read(t, open[ack.Partition], 1)))
		// A child born after the group is read from its beginning.
		require.NoError(t, b.Split("s", ack.Partition))
		sendAll(t, b, rec("a", "newer"))
		require.Empty(t, drain(t, open[ack.Partition]))
		require.NoError(t, open[ack.Partition].Release(t.Context(), true))
		var got []string
		for range 2 {
			if c := next(t, s); c.Hold().Owns([]byte("a")) {
				got = values(read(t, c, 1))
			}
		}
		require.Equal(t, []string{"newer"}, got)
	})
}

func TestKafkaOnlyGrows(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		require.ErrorIs(t, b.Split("s", "0"), stream.ErrUnsupported)
		require.ErrorIs(t, b.Grow("s", 1), stream.ErrInvalid)
		c := sourceConfig("g", "m")
		c.Start = stream.Latest()
		s := openSource(t, b, c)
		require.Equal(t, "0", next(t, s).Hold().Partition)
		require.NoError(t, b.Grow("s", 3))
		for range 50 {
			sendAll(t, b, &stream.Record{Stream: "s", Value: []byte("v")})
		}
		for range 2 { // new partitions are read from their beginning
			claim := next(t, s)
			require.Empty(t, claim.Hold().Replaces)
			read(t, claim, 1)
		}
	})
}

func TestBadReshards(t *testing.T) {
	bubble(t, memory.Config{Streams: []stream.StreamConfig{{Name: "s", Partitions: 3}}}, func(t *testing.T, b *memory.Backend) {
		require.ErrorIs(t, b.Split("s", "nine"), stream.ErrNotFound)
		require.ErrorIs(t, b.Split("t", shard0), stream.ErrNotFound)
		require.ErrorIs(t, b.Merge("s", shard0, shard2), stream.ErrInvalid)
		require.ErrorIs(t, b.Merge("s", shard0, shard0), stream.ErrInvalid)
		require.NoError(t, b.Split("s", shard0))
		require.ErrorIs(t, b.Split("s", shard0), stream.ErrInvalid)
		require.ErrorIs(t, b.Grow("s", 9), stream.ErrUnsupported)
		require.NotContains(t, b.Partitions("s"), "shardId-000000000005")
		require.Contains(t, b.Partitions("s"), shard3)
	})
}
