package kafkago

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// limits are known limits of topics.
type limits map[string]int64

func (l limits) MaxBatchBytes(topic string) (int64, bool) {
	bytes, known := l[topic]
	return bytes, known
}

func sinkConfig() stream.SinkConfig {
	return stream.SinkConfig{
		Member: "m", DeliveryTimeout: 10 * time.Second, BufferedRecords: 10_000, BufferedBytes: 64 << 20,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

// openTestSink opens a sink and closes it after the test, at once.
func openTestSink(t testing.TB, s engine.Settings, c stream.SinkConfig, p engine.Probe) stream.Sink {
	t.Helper()
	opened, err := (driver{}).Open(s)
	require.NoError(t, err)
	sink, err := opened.OpenSink(t.Context(), c, p)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = sink.Close(ctx)
		opened.Close()
	})
	return sink
}

// answered collects answers.
type answered struct {
	t     testing.TB
	mu    sync.Mutex // guards what follows
	acks  map[*stream.Record][]stream.Ack
	errs  map[*stream.Record]error
	order []*stream.Record
	come  chan struct{} // closed and renewed by each answer
}

func newAnswered(t testing.TB) *answered {
	return &answered{
		t: t, acks: map[*stream.Record][]stream.Ack{}, errs: map[*stream.Record]error{}, come: make(chan struct{}),
	}
}

func (a *answered) done(ack stream.Ack, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acks[ack.Record] = append(a.acks[ack.Record], ack)
	a.errs[ack.Record] = err
	a.order = append(a.order, ack.Record)
	close(a.come)
	a.come = make(chan struct{})
}

// wait returns the error of each record when all are answered.
func (a *answered) wait(recs ...*stream.Record) []error {
	a.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		a.mu.Lock()
		come, errs := a.come, make([]error, 0, len(recs))
		for _, r := range recs {
			if len(a.acks[r]) > 0 {
				errs = append(errs, a.errs[r])
			}
		}
		a.mu.Unlock()
		if len(errs) == len(recs) {
			return errs
		}
		select {
		case <-come:
		case <-timeout:
			a.t.Fatalf("%d of %d records were answered", len(errs), len(recs))
		}
	}
}

// count is how often a record was answered.
func (a *answered) count(r *stream.Record) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.acks[r])
}

func (a *answered) ack(r *stream.Record) stream.Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acks[r][0]
}

// keyed makes records of one key whose values are numbers.
func keyed(topic, key string, n int) []*stream.Record {
	recs := make([]*stream.Record, n)
	for i := range recs {
		recs[i] = &stream.Record{Stream: topic, Key: []byte(key), Value: []byte(key + "/" + strconv.Itoa(i))}
	}
	return recs
}

// readTopic reads n records of a topic with a client of its own, and what comes beyond them within a moment.
func readTopic(t testing.TB, addresses []string, topic string, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var recs []*kgo.Record
	next := map[int32]int64{}
	for {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if r.Offset >= next[r.Partition] { // a leader that was is behind, and sends the reader back to the start
				recs, next[r.Partition] = append(recs, r), r.Offset+1
			}
		})
		if ctx.Err() != nil {
			return recs
		}
		if len(recs) >= n {
			var more context.CancelFunc
			ctx, more = context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer more()
			n = 1 << 30
		}
	}
}

func values(recs []*kgo.Record) []string {
	all := make([]string, len(recs))
	for i, r := range recs {
		all[i] = string(r.Value)
	}
	return all
}

func sent(recs []*stream.Record) []string {
	all := make([]string, len(recs))
	for i, r := range recs {
		all[i] = string(r.Value)
	}
	return all
}

// stall holds up the answers of produce requests, which are not handled either, until release is called.
func stall(c *kfake.Cluster) (release func()) {
	free := make(chan struct{})
	c.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-free })
		return nil, nil, false
	})
	return sync.OnceFunc(func() { close(free) })
}
