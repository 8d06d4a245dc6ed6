package memory_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// A history is what happened in one run, one line an event, in order.
type history struct {
	mu    sync.Mutex
	lines []string
	first map[string][]int // first deliveries by key
	seen  map[string]int   // deliveries by key and number
}

func newHistory() *history { return &history{first: map[string][]int{}, seen: map[string]int{}} }

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, time.Now().Format("15:04:05.000000000 ")+fmt.Sprintf(format, args...))
}

func (h *history) delivered(member string, r *stream.Record) {
	h.note("%s got %s %s from %s at %v", member, r.Key, r.Value, r.Partition, r.Position)
	h.mu.Lock()
	defer h.mu.Unlock()
	id := string(r.Key) + " " + string(r.Value)
	if h.seen[id]++; h.seen[id] == 1 {
		var n int
		_, _ = fmt.Sscan(string(r.Value), &n)
		h.first[string(r.Key)] = append(h.first[string(r.Key)], n)
	}
}

func (h *history) hash() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(h.lines, "\n"))))
}

const (
	swarmKeys    = 6
	swarmPerKey  = 8
	swarmMembers = 2
)

// swarmFaults draws which faults are on in a run: all of them at once hide what needs a quiet neighbour.
func swarmFaults(seed uint64) memory.Faults {
	on := func(bit uint, rate float64) float64 {
		if seed*0x9e3779b97f4a7c15>>(40+bit)&1 == 1 {
			return rate
		}
		return 0
	}
	return memory.Faults{
		Crash: on(0, 0.01), Pause: on(1, 0.01), Expel: on(2, 0.02), Rebalance: on(3, 0.03), Reshard: on(4, 0.03),
		Throttle: on(5, 0.1), FailEntry: on(6, 0.1), LoseAck: on(7, 0.1), Duplicate: on(8, 0.05), Delay: on(9, 0.05),
		LoseCheckpoint: on(10, 0.02),
	}
}

// swarm runs a producer and two members against a backend with random faults until every record is handled.
func swarm(t *testing.T, c memory.Config) *history {
	h := newHistory()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		c.Streams = []stream.StreamConfig{{Name: "s", Partitions: 3}}
		c.Session = 2 * time.Second
		b, err := memory.Open(ctx, c)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range swarmMembers {
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * 10 * time.Millisecond) // at one instant, nothing would order them
				member(ctx, h, b, fmt.Sprintf("m%d", i))
			})
		}
		time.Sleep(100 * time.Millisecond)
		produce(t, h, b)
		require.NoError(t, b.Settle(ctx), "%v", strings.Join(h.lines, "\n"))
		cancel()
		wg.Wait()
		require.NoError(t, b.Close())
	})
	for k := range swarmKeys {
		var want []int
		for n := range swarmPerKey {
			want = append(want, n)
		}
		if c.Profile != memory.Kafka || c.Faults.Reshard == 0 { // growing moves keys
			require.Equal(t, want, h.first[fmt.Sprint("k", k)], "seed %d %v: first deliveries of key %d\n%s",
				c.Seed, c.Profile, k, strings.Join(h.lines, "\n"))
		}
		require.Len(t, h.first[fmt.Sprint("k", k)], swarmPerKey)
	}
	return h
}

func produce(t *testing.T, h *history, b *memory.Backend) {
	ctx := context.Background()
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Member: "p", DeliveryTimeout: time.Hour})
	require.NoError(t, err)
	for n := range swarmPerKey {
		var recs []*stream.Record
		for k := range swarmKeys {
			recs = append(recs, &stream.Record{Stream: "s", Key: fmt.Append(nil, "k", k), Value: fmt.Append(nil, n)})
		}
		require.NoError(t, p.Send(ctx, recs...))
		h.note("sent %d", n)
	}
	require.NoError(t, p.Close(ctx))
}

// member runs one member, and starts it anew under another name when it has crashed.
func member(ctx context.Context, h *history, b *memory.Backend, name string) {
	for life := 0; ctx.Err() == nil; life++ {
		c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
			Group: "g", Member: fmt.Sprintf("%s-%d", name, life), Streams: []string{"s"}, Grace: 500 * time.Millisecond,
		})
		if err != nil {
			h.note("%s cannot open: %v", name, err)
			return
		}
		err = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
			for r, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				h.delivered(name, r)
				time.Sleep(time.Millisecond)
				if err := p.Checkpoint(ctx, r); err != nil && !errors.Is(err, stream.ErrUnknownOutcome) {
					return err
				}
			}
			return nil
		})
		h.note("%s ended: %v", name, err)
	}
}

// TestSwarmLosesNothing: under random faults every record is handled, and each key's first deliveries are in order.
func TestSwarmLosesNothing(t *testing.T) {
	for seed := range uint64(600) {
		swarm(t, memory.Config{Profile: profiles[seed%3], Seed: seed, Faults: swarmFaults(seed)})
	}
}

var profiles = []memory.Profile{memory.Strict, memory.Kafka, memory.Kinesis}

func TestReplayIsTheSameByteForByte(t *testing.T) {
	for seed := range uint64(replaySeeds) {
		c := memory.Config{Profile: profiles[seed%3], Seed: seed, Faults: swarmFaults(seed), Replay: true}
		first, second := swarm(t, c), swarm(t, c)
		require.Equal(t, first.hash(), second.hash(), "seed %d %v:\n%s", seed, c.Profile, difference(first, second))
	}
}

// TestReplayComparisonCanFail is the control: other seeds have other histories, so the comparison sees differences.
func TestReplayComparisonCanFail(t *testing.T) {
	c := memory.Config{Seed: 1, Replay: true}
	first := swarm(t, c)
	c.Seed = 2
	second := swarm(t, c)
	require.NotEqual(t, first.hash(), second.hash())
	require.NotEmpty(t, difference(first, second))
}

// difference shows the first line in which two histories differ.
func difference(a, b *history) string {
	for i := range min(len(a.lines), len(b.lines)) {
		if a.lines[i] != b.lines[i] {
			return fmt.Sprintf("line %d: %s\nnot:    %s", i, a.lines[i], b.lines[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(a.lines), len(b.lines))
}
