package model_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/model"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func TestGroupCheckpointsAreFenced(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Strict, memory.Kafka, memory.Kinesis} {
		for seed := range uint64(4) {
			synctest.Test(t, func(t *testing.T) {
				r := share(t, memory.Config{Profile: profile, Seed: seed})
				require.Equal(t, porcupine.Ok, judge(model.Group(), r), "%v, seed %d", profile, seed)
				require.NotZero(t, r.outcomes(model.Acquire)[history.OK])
				for _, outcome := range []history.Type{history.OK, history.Fail, history.Info} {
					require.NotZero(t, r.outcomes(model.Save)[outcome], outcome)
				}
			})
		}
	}
}

// TestUnfencedGroupIsFound takes late saves, as a service without fencing does.
func TestUnfencedGroupIsFound(t *testing.T) {
	const histories = 20
	for seed := range uint64(histories) {
		synctest.Test(t, func(t *testing.T) {
			b, err := memory.Open(t.Context(), memory.Config{Profile: memory.Kafka})
			require.NoError(t, err)
			require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "s", Partitions: 1}))
			like, err := b.Capabilities(t.Context(), "s")
			require.NoError(t, err)
			require.NoError(t, b.Close())
			like.Fencing.Support = stream.None
			r := share(t, memory.Config{Profile: memory.Kafka, Seed: seed, Like: &like})
			require.Equal(t, porcupine.Illegal, judge(model.Group(), r), "seed %d", seed)
		})
	}
}

// Bounds of a shared reading.
const (
	shares  = 8 // partitions
	records = 400
	enough  = 3200 // calls
)

// share lets members read and save the partitions of one group, while they are thrown out and asked back.
func share(t *testing.T, config memory.Config) *recorder {
	config.Streams = []stream.StreamConfig{{Name: "s", Partitions: shares}}
	config.NoRateLimits = config.Like == nil && config.Profile == memory.Kinesis
	config.Faults = memory.Faults{LoseCheckpoint: 0.03, Delay: 0.05, MaxDelay: 3 * time.Millisecond}
	b, err := memory.Open(t.Context(), config)
	require.NoError(t, err)
	fill(t, b)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	g := &sharing{recorder: &recorder{}, backend: b, at: map[string][]stream.Position{}, stop: stop}
	for _, rec := range b.Records("s") {
		g.at[rec.Partition] = append(g.at[rec.Partition], rec.Position)
	}
	for i := range clients {
		g.members.Go(func() { g.member(ctx, t, i, config.Seed) })
	}
	dice := rand.New(rand.NewPCG(config.Seed, 99))
	for ctx.Err() == nil {
		time.Sleep(time.Duration(1 + dice.Int64N(int64(20*time.Millisecond))))
		if dice.IntN(2) == 0 {
			_ = b.Expel("g", strconv.Itoa(dice.IntN(clients))) // it may not have come back yet
		} else {
			_ = b.Rebalance("g") // nobody may have joined yet
		}
	}
	g.members.Wait()
	require.NoError(t, b.Close())
	return g.recorder
}

// fill gives the partitions records, since a position must be one of the partition.
func fill(t *testing.T, b stream.Backend) {
	p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{})
	require.NoError(t, err)
	for i := range records {
		rec := &stream.Record{Stream: "s", Key: strconv.AppendInt(nil, int64(i), 10), Value: []byte("v")}
		require.NoError(t, p.Send(t.Context(), rec))
	}
	require.NoError(t, p.Close(t.Context()))
}

type sharing struct {
	*recorder
	backend *memory.Backend
	at      map[string][]stream.Position // the positions of each partition
	members sync.WaitGroup
	holds   atomic.Int64
	calls   atomic.Int64
	stop    context.CancelFunc
}

// member takes what it is granted until the run stops.
func (g *sharing) member(ctx context.Context, t *testing.T, number int, seed uint64) {
	source, err := g.backend.OpenSource(ctx, stream.SourceConfig{
		Group: "g", Member: strconv.Itoa(number), Streams: []string{"s"}, Grace: time.Second,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Errorf("member %d cannot join: %v", number, err)
		g.stop()
		return
	}
	var held sync.WaitGroup
	for ctx.Err() == nil {
		begun := g.clock.Add(1)
		claim, err := source.Next(ctx)
		if err != nil {
			continue // expelled; it joins again when it asks again
		}
		h := &holding{sharing: g, claim: claim, client: number, number: g.holds.Add(1)}
		h.Rand = rand.New(rand.NewPCG(seed, uint64(h.number)))
		h.key = stream.CheckpointKey{Group: "g", Stream: claim.Hold().Stream, Partition: claim.Hold().Partition}
		was := claim.Hold().Saved
		g.record(number, begun, model.Call{Kind: model.Acquire, Key: h.key, Epoch: h.number},
			model.Answer{Epoch: h.number, Position: was.Position, State: string(was.State)}, nil)
		held.Go(func() { h.serve(context.WithoutCancel(ctx)) })
	}
	held.Wait()
	if err := source.Close(context.WithoutCancel(ctx)); err != nil {
		t.Errorf("member %d cannot leave: %v", number, err)
	}
}

// A holding is one member's time with one partition.
type holding struct {
	*sharing
	*rand.Rand
	claim          stream.Claim
	key            stream.CheckpointKey
	client         int
	number, serial int64
}

// serve saves a few positions, gives the partition back, and saves once more when it should not.
func (h *holding) serve(ctx context.Context) {
	for range 1 + h.IntN(12) {
		time.Sleep(time.Duration(h.Int64N(int64(4 * time.Millisecond))))
		h.save(ctx)
	}
	if h.IntN(4) == 0 {
		time.Sleep(30 * time.Millisecond)
		h.save(ctx)
	}
	begun := h.clock.Add(1)
	err := h.claim.Release(ctx, false)
	h.record(h.client, begun, model.Call{Kind: model.Release, Key: h.key, Epoch: h.number}, model.Answer{}, err)
	h.save(ctx)
	if h.calls.Load() > enough {
		h.stop()
	}
}

func (h *holding) save(ctx context.Context) {
	h.calls.Add(1)
	h.serial++
	at := h.at[h.key.Partition]
	c := model.Call{
		Kind: model.Save, Key: h.key, Epoch: h.number, Position: at[h.IntN(len(at))],
		State: fmt.Sprint(h.number, "-", h.serial),
	}
	begun := h.clock.Add(1)
	err := h.claim.Checkpoint(ctx, stream.Checkpoint{Position: c.Position, State: []byte(c.State)})
	h.record(h.client, begun, c, model.Answer{}, err)
}
