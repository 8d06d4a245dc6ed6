package memory_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// TestRow4And5EveryMistakeIsReported: one error for all of them.
func TestRow4And5EveryMistakeIsReported(t *testing.T) {
	_, err := memory.Open(t.Context(), memory.Config{
		Profile: 9, Partitions: -1, Assignment: "sideways", Session: -1, TxTimeout: -1, PartitionBytes: -1, Tags: true,
		ReadLimits: true, Faults: memory.Faults{Crash: 2, Delay: math.NaN(), MaxDelay: -1},
	})
	require.ErrorIs(t, err, stream.ErrInvalid)
	for _, part := range []string{
		"profile 9", "-1 partitions", "sideways", "a session of", "a transaction timeout of", "of -1 bytes", "tags are", "read limits are",
		"Crash", "Delay", "a MaxDelay",
	} {
		require.ErrorContains(t, err, part)
	}
}

func TestRow1StreamNames(t *testing.T) {
	bubble(t, kafka(), func(t *testing.T, b *memory.Backend) {
		for _, bad := range []string{"", ".", "..", "a/b", "ü", "a b", string(make([]byte, 250))} {
			require.ErrorIs(t, b.EnsureStream(t.Context(), stream.StreamConfig{Name: bad}), stream.ErrInvalid, "%q", bad)
		}
		require.NoError(t, b.EnsureStream(t.Context(), stream.StreamConfig{Name: "A.b_c-9"}))
	})
}

func TestEnsureIsIdempotentAndRefuses(t *testing.T) {
	bubble(t, kinesis(), func(t *testing.T, b *memory.Backend) {
		ctx := t.Context()
		require.NoError(t, b.EnsureStream(ctx, stream.StreamConfig{Name: "s"}))
		err := b.EnsureStream(ctx, stream.StreamConfig{Name: "s", Partitions: 9, Retention: 48 * time.Hour, MaxRecordBytes: 2 << 20})
		require.ErrorIs(t, err, stream.ErrInvalid)
		for _, field := range []string{"Partitions", "Retention", "MaxRecordBytes"} {
			require.ErrorContains(t, err, field)
		}
		for _, c := range []stream.StreamConfig{
			{Name: "x", Retention: time.Hour}, {Name: "x", Retention: -1}, {Name: "x", Retention: 9000 * time.Hour},
			{Name: "x", MaxRecordBytes: 10<<20 + 1}, {Name: "x", Compacted: true},
		} {
			require.ErrorIs(t, b.EnsureStream(ctx, c), stream.ErrUnsupported, "%+v", c)
		}
		_, err = b.Capabilities(ctx, "x")
		require.ErrorIs(t, err, stream.ErrNotFound, "nothing is made")
		require.NoError(t, b.EnsureStream(ctx, stream.StreamConfig{Name: "x", MaxRecordBytes: 10 << 20, Retention: 8760 * time.Hour}))
		caps, err := b.Capabilities(ctx, "x")
		require.NoError(t, err)
		require.Equal(t, int64(10<<20), caps.MaxRecordBytes.Value)
		require.Equal(t, 4, caps.Partitions)
	})
}

func TestCapabilitiesFillEveryField(t *testing.T) {
	for _, p := range profiles {
		bubble(t, memory.Config{Profile: p}, func(t *testing.T, b *memory.Backend) {
			caps, err := b.Capabilities(t.Context(), "s")
			require.NoError(t, err)
			v := reflect.ValueOf(caps)
			for field, value := range v.Fields() {
				switch v := value.Interface().(type) {
				case stream.Flag:
					require.NotEqual(t, stream.Unknown, v.Support, field.Name)
					require.NotEmpty(t, v.Source, field.Name)
					require.NotEmpty(t, v.Reason, field.Name)
				case stream.Limit:
					require.NotEmpty(t, v.Source, field.Name)
					require.NotEmpty(t, v.Reason, field.Name)
				case stream.Retention:
					require.NotEmpty(t, v.Source, field.Name)
				case int:
					require.Equal(t, 2, v, field.Name)
				default:
					t.Errorf("field %s of type %T is not tested", field.Name, v)
				}
			}
		})
	}
}

func TestLikeTakesOverWhatWasProbed(t *testing.T) {
	bubble(t, kafka(), func(t *testing.T, b *memory.Backend) {
		probed, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		probed.IdempotentProduce = stream.Flag{Support: stream.None, Source: stream.Declared, Reason: "acks=1"}
		probed.Transactions, probed.Headers = probed.IdempotentProduce, probed.IdempotentProduce
		probed.MaxRecordBytes.Value = 500
		like, err := memory.Open(t.Context(), memory.Config{Like: &probed, Streams: []stream.StreamConfig{{Name: "s", Partitions: 1}}})
		require.NoError(t, err)
		defer func() { require.NoError(t, like.Close()) }()
		got, err := like.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, "acks=1", got.IdempotentProduce.Reason)
		require.Equal(t, stream.Native, got.NilKeys.Support)
		a := send(t, openSink(t, like), rec("k", string(make([]byte, 500))), &stream.Record{Stream: "s", Headers: []stream.Header{{}}},
			&stream.Record{Stream: "s"})
		require.ErrorIs(t, a[0].err, stream.ErrTooLarge)
		require.ErrorIs(t, a[1].err, stream.ErrUnsupported)
		require.NoError(t, a[2].err)
		probed.Resharding.Support, probed.Transactions.Support = stream.Native, stream.Native
		_, err = memory.Open(t.Context(), memory.Config{Like: &probed})
		require.ErrorIs(t, err, stream.ErrUnsupported)
		require.ErrorContains(t, err, "Like.Transactions")
	})
}

func TestSimulateKeepsTheConfiguration(t *testing.T) {
	c, err := memory.Config{Profile: memory.Kafka, Partitions: 3}.Simulate(7)
	require.NoError(t, err)
	require.Equal(t, memory.Config{Profile: memory.Kafka, Partitions: 3, Seed: 7}, c)
	_, err = memory.Config{Partitions: -1}.Simulate(7)
	require.ErrorIs(t, err, stream.ErrInvalid)
}

func TestProfileText(t *testing.T) {
	for _, p := range profiles {
		text, err := p.MarshalText()
		require.NoError(t, err)
		var q memory.Profile
		require.NoError(t, q.UnmarshalText(text))
		require.Equal(t, p, q)
	}
	var p memory.Profile
	require.ErrorIs(t, p.UnmarshalText([]byte("kafkaesque")), stream.ErrInvalid)
}

func TestScriptFaultsAtEveryClaimCall(t *testing.T) {
	boom := errors.New("boom")
	script := &memory.Script{}
	bubble(t, one(memory.Config{Script: script}), func(t *testing.T, b *memory.Backend) {
		acks := sendAll(t, b, rec("a", "1"))
		s := openSource(t, b, sourceConfig("g", "m"))
		script.Fail(memory.OpNext, 1, boom, memory.Where{Member: "m"})
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, boom)
		c := next(t, s)
		script.Fail(memory.OpFetch, 1, boom, memory.Where{Member: "another"}) // never fires
		script.ApplyThen(memory.OpFetch, 1, memory.Outcome{Lost: true}, memory.Where{Stream: "s", Partition: shard0})
		_, err = c.Fetch(t.Context(), make([]stream.Record, 1))
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		require.Equal(t, []string{"1"}, values(read(t, c, 1)), "nothing was consumed")
		to := stream.Checkpoint{Position: acks[0].Position}
		script.Fail(memory.OpCheckpoint, 1, boom)
		require.ErrorIs(t, c.Checkpoint(t.Context(), to), boom)
		require.Empty(t, b.Checkpoints("g"))
		script.ApplyThen(memory.OpCheckpoint, 1, memory.Outcome{Err: boom, Delay: time.Second})
		begin := time.Now()
		err = c.Checkpoint(t.Context(), to)
		require.ErrorIs(t, err, stream.ErrUnknownOutcome)
		require.ErrorIs(t, err, boom)
		require.Equal(t, time.Second, time.Since(begin))
		require.Len(t, b.Checkpoints("g"), 1)
		script.Fail(memory.OpRelease, 1, boom)
		require.ErrorIs(t, c.Release(t.Context(), false), boom)
		begin = time.Now()
		next(t, s)
		require.Equal(t, 10*time.Second, time.Since(begin), "the lease runs out")
		require.ErrorContains(t, script.Unfired(), "fetch :another")
	})
}

func TestBarrierHoldsACall(t *testing.T) {
	script := &memory.Script{}
	barrier := script.PauseNext(memory.OpCheckpoint)
	script.At(time.Hour, "trim", func(b *memory.Backend) error { return b.Trim("s", "no such", stream.Position{}) })
	bubble(t, one(memory.Config{Script: script}), func(t *testing.T, b *memory.Backend) {
		c := next(t, openSource(t, b, sourceConfig("g", "m")))
		saved := make(chan error, 1)
		go func() { saved <- c.Checkpoint(context.Background(), stream.Checkpoint{}) }()
		barrier.Wait()
		synctest.Wait()
		require.Empty(t, saved)
		require.NoError(t, b.Expel("g", "m"))
		barrier.Release()
		barrier.Release()
		require.ErrorIs(t, <-saved, stream.ErrLost)
		require.ErrorContains(t, script.Unfired(), "trim, due after 1h0m0s, never happened")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.ErrorContains(t, script.Unfired(), "trim: ")
	})
}

func TestRandomFaultsDependOnTheSeedAlone(t *testing.T) {
	count := func(seed uint64) map[string]int {
		var told map[string]int
		bubble(t, one(memory.Config{Seed: seed, Faults: memory.Faults{Throttle: 0.2, LoseAck: 0.2}}), func(t *testing.T, b *memory.Backend) {
			for i := range 200 {
				sendAll(t, b, rec("a", string(rune('a'+i%26))))
			}
			told = b.Injected()
		})
		return told
	}
	require.Equal(t, count(1), count(1))
	require.NotEqual(t, count(1), count(2))
	require.Positive(t, count(1)["Throttle"])
}
