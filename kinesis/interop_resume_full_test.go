//go:build servers && full

package kinesis_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// firstShard is the only shard of a stream of one.
const firstShard = "shardId-000000000000"

// Whoever takes the lease of one that died inside an aggregate goes on with the next record of the aggregate: Java where
// this library was, and this library where Java was.
func TestInteropKCL2GoesOnInsideAnAggregate(t *testing.T) {
	resume(t, testenv.KCLConfig{Version: testenv.KCL2})
}

func resume(t *testing.T, c testenv.KCLConfig) {
	const each = 100 * time.Millisecond
	i := newInterop(t, 1)
	i.listed(t)
	i.pack(t, 60)
	c.Worker, c.Checkpoint, c.Slow = "java-1", "record", each

	first := i.goJoins(t, "go-1", 1, each)
	i.saves(t, "go-1", 7)
	first.die(t)
	var java *javaWorker
	i.goesOn(t, "java-1", func() { java = i.javaJoins(t, c) })
	i.saves(t, "java-1", 7)
	java.die(t)
	i.goesOn(t, "go-2", func() { i.goJoins(t, "go-2", 1, 0) })
	i.ends(t)
	java.requireSound(t)
}

// pack stores n records of one key in one aggregate.
func (i *interop) pack(t *testing.T, n int) {
	c := i.config(t)
	c.Linger = time.Second
	p, err := stream.NewProducer(t.Context(), openConfig(t, c), stream.ProducerConfig{DeliveryTimeout: javaPatience})
	require.NoError(t, err)
	for at := range n {
		rec := &stream.Record{Stream: i.stream, Key: []byte("k"), Value: fmt.Appendf(nil, "k/%d", at)}
		p.SendAsync(t.Context(), rec, func(a stream.Ack, err error) {
			if err == nil {
				i.store(a.Partition, stored{a.Position, string(a.Record.Key), string(a.Record.Value)})
			}
		})
	}
	require.NoError(t, p.Close(t.Context()))
	all := i.stored[firstShard]
	require.Len(t, all, n)
	for at, s := range all {
		sequence, sub := shard.Sequence(s.at)
		one, _ := shard.Sequence(all[0].at)
		require.Equal(t, one, sequence)
		require.EqualValues(t, at, sub)
	}
}

// saves waits until a worker has saved n times.
func (i *interop) saves(t *testing.T, worker string, n int) {
	t.Helper()
	i.until(t, fmt.Sprintf("%d checkpoints of %s", n, worker), func(events []happening) bool {
		saved := 0
		for _, e := range events {
			if e.kind == "saved" && e.worker == worker {
				saved++
			}
		}
		return saved >= n
	})
}

// goesOn has a worker join, and requires that it begins with the record behind the one that the lease tells, which is
// neither the first nor the last of its aggregate.
func (i *interop) goesOn(t *testing.T, worker string, join func()) {
	t.Helper()
	row := i.items(t)[firstShard]
	sub, err := strconv.ParseUint(row["checkpointSubSequenceNumber"].(*ddb.AttributeValueMemberN).Value, 10, 32)
	require.NoError(t, err)
	last, ok := shard.Position(row["checkpoint"].(*ddb.AttributeValueMemberS).Value, uint32(sub))
	require.True(t, ok)
	all := i.stored[firstShard]
	at := slices.IndexFunc(all, func(s stored) bool { return s.at == last })
	require.Positive(t, at)
	require.Less(t, at, len(all)-1)
	from := i.now()
	join()
	var first happening
	i.until(t, "first record of "+worker, func(events []happening) bool {
		n := slices.IndexFunc(events[from:], func(e happening) bool { return e.kind == "record" && e.worker == worker })
		if n >= 0 {
			first = events[from+n]
		}
		return n >= 0
	})
	require.Equal(t, all[at+1].at, first.at, "the lease is at %v", last)
}
