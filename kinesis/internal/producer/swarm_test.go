package producer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// swarmSeeds is how many runs there are.
const swarmSeeds = 400

// TestOrderUnderRandomFaults sends records of a few keys while requests and records fail at random, answers are lost,
// shards split and the sink is perhaps closed too early, and compares what is stored with what was answered.
func TestOrderUnderRandomFaults(t *testing.T) {
	for seed := range uint64(swarmSeeds) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSwarm(t, seed).run() })
		})
	}
}

// A swarm is one run.
type swarm struct {
	t       *testing.T
	dice    *rand.Rand
	rig     *rig
	ordered bool

	mu     sync.Mutex // guards what follows
	event  int
	traces map[*stream.Record]*trace
	keys   map[string][]*stream.Record
}

// A trace is when what happened to a record, in events.
type trace struct{ accepted, done int }

func newSwarm(t *testing.T, seed uint64) *swarm {
	w := &swarm{
		t: t, dice: rand.New(rand.NewPCG(seed, 1)),
		traces: map[*stream.Record]*trace{}, keys: map[string][]*stream.Record{},
	}
	f := newFake(1 + w.dice.IntN(4))
	f.trip = time.Duration(w.dice.IntN(40)) * time.Millisecond
	f.limited = w.dice.IntN(3) == 0
	bad := w.dice.Float64() * 0.5
	var mu sync.Mutex // guards faults
	faults := rand.New(rand.NewPCG(seed, 2))
	f.slowest = func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(faults.IntN(10)) * time.Millisecond
	}
	f.fault = func(_ int, entries []api.Entry) fault {
		mu.Lock()
		defer mu.Unlock()
		if faults.Float64() >= bad {
			return fault{}
		}
		if faults.IntN(8) == 0 {
			go f.split(faults.IntN(8))
		}
		return mishap(faults, len(entries))
	}
	s := someSettings()
	s.Mode = []settings.Mode{settings.KeyOrdered, settings.KeyOrdered, settings.Strict, settings.Unordered}[w.dice.IntN(4)]
	s.Aggregation = []settings.Aggregation{settings.AggregateOff, settings.SameKey, settings.ByShard}[w.dice.IntN(3)]
	s.AggregateRecords = 1 + w.dice.IntN(20)
	s.InFlight = 1 + w.dice.IntN(8)
	s.PutTimeout = time.Duration(50+w.dice.IntN(500)) * time.Millisecond
	s.Linger = time.Duration(w.dice.IntN(3)) * 3 * time.Millisecond
	c := someConfig()
	c.DeliveryTimeout = time.Duration(200+w.dice.IntN(3000)) * time.Millisecond
	c.BufferedRecords = 1 + w.dice.IntN(100)
	w.ordered = s.Mode != settings.Unordered
	w.rig = open(t, f, s, c)
	return w
}

// mishap draws what befalls a request.
func mishap(dice *rand.Rand, n int) fault {
	lost := &api.Error{Op: "PutRecords", Unknown: true, Err: errors.New("connection reset")}
	switch dice.IntN(10) {
	case 0:
		return fault{all: api.Throughput}
	case 1:
		return fault{all: api.Internal}
	case 2:
		return fault{before: lost}
	case 3:
		return fault{later: lost}
	case 4:
		return fault{before: &api.Error{Op: "PutRecords", Code: "ThrottlingException", Status: 400}}
	case 5:
		return fault{hang: true}
	case 6:
		return fault{wait: time.Duration(dice.IntN(700)) * time.Millisecond}
	case 7:
		if dice.IntN(10) == 0 {
			return fault{before: &api.Error{Op: "PutRecords", Code: api.Denied, Status: 400}}
		}
	}
	f := fault{codes: map[int]string{}}
	for i := range n {
		switch dice.IntN(12) {
		case 0, 1, 2:
			f.codes[i] = api.Throughput
		case 3, 4, 5:
			f.codes[i] = api.Internal
		case 6:
			if dice.IntN(10) == 0 {
				f.codes[i] = api.Validation
			}
		}
	}
	return f
}

func (w *swarm) run() {
	var wg sync.WaitGroup
	for sender := range 1 + w.dice.IntN(3) {
		dice := rand.New(rand.NewPCG(w.dice.Uint64(), 3))
		wg.Go(func() { w.send(sender, dice) })
	}
	early := w.dice.IntN(4) == 0
	after := time.Duration(w.dice.IntN(800)) * time.Millisecond
	if !early {
		wg.Wait()
	}
	ctx, cancel := context.WithCancel(context.Background())
	if early {
		time.Sleep(after)
		cancel()
	}
	if w.dice.IntN(3) == 0 && !early {
		_ = w.rig.Flush(ctx)
	}
	_ = w.rig.Close(ctx)
	cancel()
	wg.Wait()
	w.judge()
}

// send appends records of the sender's own keys.
func (w *swarm) send(sender int, dice *rand.Rand) {
	keys, left := 1+dice.IntN(3), 10+dice.IntN(60)
	for left > 0 {
		batch := make([]*stream.Record, min(1+dice.IntN(4), left))
		left -= len(batch)
		for i := range batch {
			key := fmt.Sprintf("%d-%d", sender, dice.IntN(keys))
			w.mu.Lock()
			batch[i] = record(key, fmt.Sprintf("%s/%d", key, len(w.keys[key])))
			w.keys[key] = append(w.keys[key], batch[i])
			w.traces[batch[i]] = &trace{}
			w.mu.Unlock()
		}
		w.rig.Append(context.Background(), batch, w.done)
		w.mu.Lock()
		w.event++
		for _, r := range batch {
			w.traces[r].accepted = w.event
		}
		w.mu.Unlock()
		if dice.IntN(3) == 0 {
			time.Sleep(time.Duration(dice.IntN(40)) * time.Millisecond)
		}
	}
}

func (w *swarm) done(ack stream.Ack, err error) {
	w.rig.done(ack, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.event++
	w.traces[ack.Record].done = w.event
}

// judge compares answers with what is stored.
func (w *swarm) judge() {
	times := map[string]int{}
	at := map[string][]piece{}
	for _, p := range w.rig.stored() {
		times[p.value]++
		at[p.value] = append(at[p.value], p)
	}
	for key, recs := range w.keys {
		for i, r := range recs {
			got := w.rig.of(w.t, r)
			value := string(r.Value)
			switch {
			case got.err == nil:
				require.Contains(w.t, places(at[value]), place(got.ack), value)
				require.Equal(w.t, key, at[value][0].key)
				require.False(w.t, times[value] > 1 && !got.ack.Duplicate, "%s is stored twice in silence", value)
			case !errors.Is(got.err, stream.ErrUnknownOutcome):
				require.Zero(w.t, times[value], "%s is stored, and said not to be: %v", value, got.err)
			}
			if got.err != nil && w.ordered && !errors.Is(got.err, stream.ErrClosed) {
				w.judgeFollowers(recs[i:])
			}
		}
		if w.ordered {
			w.judgeOrder(key)
		}
	}
	require.False(w.t, w.ordered && w.rig.overlaps > 0, "two of a key under way")
}

// judgeFollowers checks that a record that failed took with it those behind it that were accepted before it was done.
func (w *swarm) judgeFollowers(recs []*stream.Record) {
	for _, r := range recs[1:] {
		if w.traces[r].accepted < w.traces[recs[0]].done {
			require.Error(w.t, w.rig.of(w.t, r).err, "%s went on after %s had failed", r.Value, recs[0].Value)
		}
	}
}

// judgeOrder checks that the Kinesis records of a key are in order, where one may be repeated.
func (w *swarm) judgeOrder(key string) {
	var before []int
	sequence := ""
	var group []int
	check := func() {
		if len(before) > 0 && len(group) > 0 && fmt.Sprint(before) != fmt.Sprint(group) {
			require.Less(w.t, before[len(before)-1], group[0], "key %s: %v after %v", key, group, before)
		}
		if len(group) > 0 {
			before = group
		}
		group = nil
	}
	for _, p := range w.rig.stored() {
		if p.key != key {
			continue
		}
		if p.sequence != sequence {
			check()
			sequence = p.sequence
		}
		_, number, _ := strings.Cut(p.value, "/")
		n, _ := strconv.Atoi(number)
		if len(group) > 0 {
			require.Equal(w.t, group[len(group)-1]+1, n)
		}
		group = append(group, n)
	}
	check()
}

func places(all []piece) []string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = fmt.Sprintf("%s %s %d", p.shard, p.sequence, p.sub)
	}
	return texts
}

func place(a stream.Ack) string {
	major, sub, _ := a.Position.Parts()
	return fmt.Sprintf("%s %v %d", a.Partition, stream.MakePosition(major, 0, 0), sub)
}
