//go:build servers

package kinesis_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// TestReshardsUnderLoad splits and merges shards while a producer sends and two members read: all is handled, each key's
// records in their order, and children after their parents. With enhanced fan-out and CBOR it goes another way to the
// service and back.
func TestReshardsUnderLoad(t *testing.T) {
	e := startEmulators(t)
	for name, change := range map[string]func(*kinesis.Config){
		"polled JSON": func(*kinesis.Config) {},
		"pushed CBOR": func(c *kinesis.Config) { c.CBOR, c.FanOut = true, "us-{group}" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.reshardUnderLoad(t, change)
		})
	}
}

// Of one load.
const (
	loadKeys  = 8
	loadEach  = 60 // records of a key
	loadTime  = 3 * time.Minute
	loadBatch = 4 // of each key, between two changes of shards
)

func (e *emulators) reshardUnderLoad(t *testing.T, change func(*kinesis.Config)) {
	ctx, cancel := context.WithTimeout(t.Context(), loadTime)
	defer cancel()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())
	l := e.lines(t, 1)
	c := l.config()
	c.Aggregation = kinesis.SameKey
	change(&c)
	b := openConfig(t, c)
	require.NoError(t, b.EnsureStream(ctx, stream.StreamConfig{Name: name, Partitions: 2}))
	log := &loadLog{first: map[string]bool{}, ended: map[string]bool{}, done: make(chan struct{})}
	running, stop := context.WithCancel(ctx)
	var members sync.WaitGroup
	for i := range 2 {
		member, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
			Group: "g", Member: fmt.Sprint("m", i), Streams: []string{name}, Observe: log.observe,
		})
		require.NoError(t, err)
		members.Go(func() {
			if err := member.Run(running, log.handle); err != nil {
				t.Errorf("a member: %v", err)
			}
		})
	}
	e.load(ctx, t, b, name)
	select {
	case <-log.done:
	case <-ctx.Done():
		t.Errorf("%d of %d records were handled", log.different(), loadKeys*loadEach)
	}
	stop()
	members.Wait()
	e.requireLineage(t, name, log)
}

// load sends, and changes shards in between.
func (e *emulators) load(ctx context.Context, t *testing.T, b stream.Backend, name string) {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{name}})
	require.NoError(t, err)
	for n := 0; n < loadEach; n += loadBatch {
		for i := range loadBatch {
			for k := range loadKeys {
				rec := &stream.Record{Stream: name, Key: fmt.Appendf(nil, "k%d", k), Value: fmt.Append(nil, n+i)}
				p.SendAsync(ctx, rec, func(_ stream.Ack, err error) {
					if err != nil {
						t.Errorf("send: %v", err)
					}
				})
			}
		}
		open, err := e.open(ctx, name)
		require.NoError(t, err)
		if len(open) < 4 {
			require.NoError(t, e.split(ctx, name, *open[n%len(open)].ShardId))
		} else {
			require.NoError(t, e.merge(ctx, name, *open[1].ShardId, *open[2].ShardId))
		}
	}
	require.NoError(t, p.Close(ctx))
}

// A loadLog is what members have handled, in that order.
type loadLog struct {
	mu    sync.Mutex // guards what follows
	seen  []stream.Record
	first map[string]bool // by key and number
	ended map[string]bool // shards
	early []string        // shards of which something was read after their end
	done  chan struct{}   // closed when all is seen
}

func (l *loadLog) handle(ctx context.Context, p *stream.Partition) error {
	for batch, err := range p.Batches(ctx, 0, 0) {
		if err != nil {
			return err
		}
		for _, rec := range batch {
			l.add(rec)
		}
		if err := p.Checkpoint(ctx, &batch[len(batch)-1]); err != nil {
			return err
		}
	}
	return nil
}

func (l *loadLog) add(rec stream.Record) {
	rec.Key, rec.Value = slices.Clone(rec.Key), slices.Clone(rec.Value)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended[rec.Partition] {
		l.early = append(l.early, rec.Partition)
	}
	id := string(rec.Key) + "/" + string(rec.Value)
	if l.first[id] {
		return
	}
	l.first[id] = true
	if l.seen = append(l.seen, rec); len(l.seen) == loadKeys*loadEach {
		close(l.done)
	}
}

func (l *loadLog) different() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

func (l *loadLog) observe(e stream.Event) {
	if e.Kind == stream.EventEnded {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ended[e.Partition] = true
	}
}

// requireLineage fails unless each key's records came in their order, and none of a shard's after one of its children's.
func (e *emulators) requireLineage(t *testing.T, name string, l *loadLog) {
	all, err := e.shards(t.Context(), name)
	require.NoError(t, err)
	require.Greater(t, len(all), 10, "shards were changed")
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.early, "what was read after the end of its shard")
	next := map[string]int{}
	begun := map[string]bool{}
	children := map[string][]string{}
	for _, s := range all {
		for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if parent != nil {
				children[*parent] = append(children[*parent], *s.ShardId)
			}
		}
	}
	for _, rec := range l.seen {
		n, err := strconv.Atoi(string(rec.Value))
		require.NoError(t, err)
		require.Equal(t, next[string(rec.Key)], n, "the next of key %s, in %s", rec.Key, rec.Partition)
		next[string(rec.Key)]++
		begun[rec.Partition] = true
		for _, child := range children[rec.Partition] {
			require.False(t, begun[child], "%s was read before its parent %s", child, rec.Partition)
		}
	}
	require.Len(t, l.seen, loadKeys*loadEach)
}
