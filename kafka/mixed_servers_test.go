//go:build servers

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// TestMixedFleet moves a group from franz-go to kafka-go and back, one member after the other, while both write to it:
// nothing is lost, every member begins where the one before had saved at least, and keys keep their order. In each
// direction one of the members is killed.
func TestMixedFleet(t *testing.T) {
	t.Parallel() // it mostly waits
	const size, partitions = 3, 6
	b := startBrokers(t, testenv.Config{Nodes: 3})
	f := newFleet(b, b.topic(t, partitions))
	writers := []*writer{f.write(t, franzGo), f.write(t, kafkaGo)}
	var members []*hand
	for i := range size {
		members = append(members, f.start(t, franzGo, i))
	}
	for _, m := range members {
		within(t, m.works)
	}
	for _, to := range []library{kafkaGo, franzGo} {
		for i, old := range members {
			members[i] = f.start(t, to, i)
			within(t, members[i].works)
			if i == size/2 {
				f.kill(t, old)
			} else {
				old.stop(t)
			}
			f.catchUp(t)
		}
	}
	for _, w := range writers {
		w.stop(t)
	}
	f.catchUp(t)
	for _, m := range members {
		m.stop(t)
	}
	for p := range int32(partitions) {
		f.compare(t, p)
	}
	require.Empty(t, f.wrong)
	t.Logf("%d records, %d of them again", f.records, f.again)
}

// A fleet is the members of a group, and what they handled.
type fleet struct {
	b     *brokers
	topic string

	mu      sync.Mutex // guards what follows
	done    map[string]*progress
	records int
	again   int // records that were handled before
	wrong   []string
}

// A progress is what was handled of a partition.
type progress struct {
	values map[int64]string // by offset
	next   int64            // after the last that was handled
	saved  int64            // after the last whose checkpoint was answered
}

func newFleet(b *brokers, topic string) *fleet {
	return &fleet{b: b, topic: topic, done: map[string]*progress{}}
}

// A hand is a member that runs.
type hand struct {
	fleet   *fleet
	name    string
	backend *kafka.Backend
	cancel  context.CancelFunc
	ran     chan error
	works   chan struct{} // closed when it has handled a record

	killed, begun bool // the fleet's lock guards them
}

func (f *fleet) start(t *testing.T, l library, number int) *hand {
	t.Helper()
	c := f.b.config(nil)
	c.Assignment, c.Session = kafka.Eager, 3*time.Second
	h := &hand{fleet: f, name: fmt.Sprintf("%s-%d", l.name(), number), backend: l.strict(t, c)}
	h.ran, h.works = make(chan error, 1), make(chan struct{})
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(t.Context())
	t.Cleanup(h.cancel)
	made := consumer(t, h.backend, stream.ConsumerConfig{Group: f.topic, Member: h.name, Streams: []string{f.topic}})
	go func() { h.ran <- made.Run(ctx, h.handle) }()
	return h
}

// handle saves every few records, and not at the end: what was handled since is handled again.
func (h *hand) handle(ctx context.Context, p *stream.Partition) error {
	const every = 25
	last, n := int64(-1), 0
	for r, err := range p.Records(ctx) {
		if err != nil {
			return err
		}
		if last, err = h.note(p.Name, last, r); err != nil {
			return err
		}
		if n++; n%every != 0 {
			continue
		}
		if err := p.Checkpoint(ctx, r); err != nil {
			return err
		}
		h.noteSaved(p.Name, last)
	}
	return nil
}

var errKilled = errors.New("killed")

// note notes that a record is handled, and returns its offset. Before is that of the record before in the same hold, or -1.
func (h *hand) note(partition string, before int64, r *stream.Record) (int64, error) {
	f := h.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.killed {
		return before, errKilled
	}
	if !h.begun {
		h.begun = true
		close(h.works)
	}
	major, _, _ := r.Position.Parts()
	at := int64(major[2]) - 1
	p := f.of(partition)
	switch {
	case before >= 0 && at != before+1:
		f.complain("%s: %s has %d after %d", h.name, partition, at, before)
	case before < 0 && (at > p.next || at < p.saved):
		f.complain("%s: %s begins at %d, handled are those before %d, saved those before %d", h.name, partition, at, p.next, p.saved)
	}
	value := string(r.Key) + " " + string(r.Value)
	if was, again := p.values[at]; again {
		f.again++
		if was != value {
			f.complain("%s: %s has %q at %d, which was %q", h.name, partition, value, at, was)
		}
	}
	f.records++
	p.values[at] = value
	p.next = max(p.next, at+1)
	return at, nil
}

func (h *hand) noteSaved(partition string, at int64) {
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	p := h.fleet.of(partition)
	p.saved = max(p.saved, at+1)
}

// of is the progress of a partition. The caller holds f.mu.
func (f *fleet) of(partition string) *progress {
	if f.done[partition] == nil {
		f.done[partition] = &progress{values: map[int64]string{}}
	}
	return f.done[partition]
}

// complain keeps the first few faults. The caller holds f.mu.
func (f *fleet) complain(format string, args ...any) {
	if len(f.wrong) < 10 {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

// stop lets the member leave.
func (h *hand) stop(t *testing.T) {
	t.Helper()
	h.cancel()
	require.NoError(t, within(t, h.ran))
	require.NoError(t, h.backend.Close())
}

// kill has the member say and do nothing more.
func (f *fleet) kill(t *testing.T, h *hand) {
	t.Helper()
	f.mu.Lock()
	h.killed = true
	f.mu.Unlock()
	require.NoError(t, h.backend.Abandon(f.topic, h.name))
	within(t, h.ran)
}

// catchUp waits until all that is in the log by now is handled.
func (f *fleet) catchUp(t *testing.T) {
	t.Helper()
	ends, err := f.b.admin.ListEndOffsets(bounded(t), f.topic)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for n, end := range ends[f.topic] {
			if f.of(strconv.Itoa(int(n))).next < end.Offset {
				return false
			}
		}
		return true
	}, 20*time.Second, 10*time.Millisecond, "the group does not go on")
}

// compare holds what was handled of a partition against its log, in which every key's values count from 0.
func (f *fleet) compare(t *testing.T, partition int32) {
	t.Helper()
	handled := f.done[strconv.Itoa(int(partition))].values
	count := map[string]int{}
	for _, r := range f.b.log(t, f.topic, partition) {
		key := string(r.Key)
		require.Equal(t, strconv.Itoa(count[key]), string(r.Value), "key %s", key)
		require.Equal(t, key+" "+string(r.Value), handled[r.Offset], "offset %d", r.Offset)
		count[key]++
	}
}

// A writer writes to the topic until it is stopped.
type writer struct {
	cancel context.CancelFunc
	wrote  chan error
}

// write writes a record every 2 ms, for a dozen keys in turn.
func (f *fleet) write(t *testing.T, l library) *writer {
	t.Helper()
	const keys = 12
	p := producer(t, l.strict(t, f.b.config(nil)), stream.ProducerConfig{Streams: []string{f.topic}})
	ctx, cancel := context.WithCancel(t.Context())
	w := &writer{cancel: cancel, wrote: make(chan error, 1)}
	go func() {
		ticks := time.NewTicker(2 * time.Millisecond)
		defer ticks.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			key := strings.ToUpper(l.name()) + strconv.Itoa(i%keys)
			p.SendAsync(t.Context(), &stream.Record{Stream: f.topic, Key: []byte(key), Value: strconv.AppendInt(nil, int64(i/keys), 10)}, nil)
			<-ticks.C
		}
		w.wrote <- p.Flush(context.WithoutCancel(ctx))
	}()
	t.Cleanup(cancel)
	return w
}

func (w *writer) stop(t *testing.T) {
	t.Helper()
	w.cancel()
	require.NoError(t, within(t, w.wrote))
}
