package kafkago

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// forever is longer than any test waits.
const forever = 10 * time.Minute

func TestOrdersWaitForNoLongPoll(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(1), kfake.SeedTopics(20, "orders"))
	fetches := awaited(cluster)
	var wires wires
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) {
		s.FetchMaxWait, s.Dial = forever, wires.dial
	})
	idle := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(idle, 0), 1)
	fetches.await(t, "the long poll", func(r *kmsg.FetchRequest) bool { return r.MaxWaitMillis > 1000 })
	for p := int32(1); p < 20; p++ {
		at := engine.Partition{Topic: "orders", Number: p}
		store(t, cluster, "orders", p, 3)
		f.Add(fromOffset(at, 0), int64(p))
		r.records(t, at, 3)
		f.Pause(at)
		store(t, cluster, "orders", p, 3)
		f.Resume(at)
		r.records(t, at, 6)
		f.Remove(at)
		f.Add(fromOffset(at, 3), int64(p+100))
		r.awaitNumber(t, at, int64(p+100), 6)
	}
	store(t, cluster, "orders", 0, 1)
	r.records(t, idle, 1)
	require.LessOrEqual(t, wires.most(), 8, "metadata, ids, two fetches, and some that are not known to be free yet")
}

func TestFetchesMergeWhenNothingComes(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"))
	fetches := awaited(cluster)
	_, f := newFetchReader(t, cluster, nil)
	for p := range int32(3) {
		f.Add(fromOffset(engine.Partition{Topic: "orders", Number: p}, 0), 1)
		fetches.await(t, fmt.Sprint("partition ", p), func(r *kmsg.FetchRequest) bool { return asks(r, p) })
	}
	fetches.await(t, "all of them in one", func(r *kmsg.FetchRequest) bool { return asks(r, 0) && asks(r, 1) && asks(r, 2) })
}

func TestPartitionsTakeTurns(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"))
	const n = 300
	for p := range int32(3) {
		client := storer(t, cluster, kgo.ProducerBatchMaxBytes(1<<10))
		for i := range n {
			client.Produce(t.Context(), &kgo.Record{Topic: "orders", Partition: p, Value: fmt.Append(nil, i)}, nil)
		}
		require.NoError(t, client.Flush(t.Context()))
	}
	var mu sync.Mutex
	var turns []int32
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.FetchMaxBytes, s.PartitionBytes = 1, 1 })
	r.onFetched = func(p engine.Partition) {
		mu.Lock()
		defer mu.Unlock()
		turns = append(turns, p.Number)
	}
	all := make(map[engine.Partition]engine.Offset)
	for p := range int32(3) {
		all[engine.Partition{Topic: "orders", Number: p}] = engine.Offset{Epoch: -1}
	}
	f.Add(all, 1)
	for p := range all {
		r.records(t, p, n)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := 0; i+3 <= min(len(turns), 9); i += 3 {
		require.ElementsMatch(t, []int32{0, 1, 2}, turns[i:i+3])
	}
}

func TestFetcherLeavesABrokerThatIsSilent(t *testing.T) {
	cluster := fetchFake(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "orders"))
	require.NoError(t, cluster.MoveTopicPartition("orders", 0, 0))
	store(t, cluster, "orders", 0, 5)
	wires := wires{mute: cluster.ListenAddrs()[0]}
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) {
		s.Brokers, s.Dial = s.Brokers[1:], wires.dial
		s.RequestOverhead = forever
	})
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	wires.muted(t)
	require.NoError(t, cluster.MoveTopicPartition("orders", 0, 1))
	r.records(t, at, 5)
}

func TestFetcherSurvivesCutConnections(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	var n atomic.Int32
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if n.Add(1)%2 == 1 {
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.PartitionBytes = 1 << 10 })
	storeSmall(t, cluster, "orders", 300)
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	for i, record := range r.records(t, at, 300) {
		require.Equal(t, fmt.Sprint(i), string(record.Value))
	}
}

func TestFetcherTellsARightThatIsMissing(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	r, f := newFetchReader(t, cluster, nil)
	at := engine.Partition{Topic: "orders"}
	f.Add(fromOffset(at, 0), 1)
	err := r.broken(t, at)
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, "READ")
	require.ErrorContains(t, err, "topic orders")
}

func TestFetcherWaitsForWhatIsMadeLate(t *testing.T) {
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	r, f := newFetchReader(t, cluster, func(s *engine.Settings) { s.MetadataMaxAge = 5 * time.Second })
	topic, partition := engine.Partition{Topic: "late"}, engine.Partition{Topic: "orders", Number: 2}
	f.Add(map[engine.Partition]engine.Offset{topic: {Epoch: -1}, partition: {Epoch: -1}}, 1)
	require.NoError(t, cluster.CreateTopic("late", 1, nil))
	admin := kadm.NewClient(storer(t, cluster))
	_, err := admin.CreatePartitions(t.Context(), 2, "orders")
	require.NoError(t, err)
	store(t, cluster, "late", 0, 2)
	store(t, cluster, "orders", 2, 3)
	r.records(t, topic, 2)
	r.records(t, partition, 3)
}

func TestFetcherTellsAPartitionThatIsNot(t *testing.T) {
	t.Parallel()
	cluster := fetchFake(t, kfake.SeedTopics(1, "orders"))
	r, f := newFetchReader(t, cluster, nil)
	at := engine.Partition{Topic: "orders", Number: 1}
	f.Add(fromOffset(at, 0), 1)
	require.ErrorIs(t, r.broken(t, at), stream.ErrNotFound)
}

func TestFetcherTellsAnOutageAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fetchSettings([]string{"nowhere:9092"})
		s.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		r, f := openFetchReader(t, s)
		at := engine.Partition{Topic: "orders"}
		begun := time.Now()
		f.Add(fromOffset(at, 0), 1)
		err := r.inBubble(t, at)
		require.ErrorContains(t, err, "no broker can be reached")
		require.GreaterOrEqual(t, time.Since(begun), outage)
		require.Less(t, time.Since(begun), outage+2*time.Second)
	})
}

func TestFetcherTellsAtOnceWhatNoTimeMends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fetchSettings([]string{"nowhere:9092"})
		s.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("%w: a wrong password", stream.ErrUnauthorized)
		}
		r, f := openFetchReader(t, s)
		at := engine.Partition{Topic: "orders"}
		begun := time.Now()
		f.Add(fromOffset(at, 0), 1)
		require.ErrorIs(t, r.inBubble(t, at), stream.ErrUnauthorized)
		require.Less(t, time.Since(begun), 2*time.Second)
	})
}

// inBubble waits for a failure in a bubble, where time costs nothing.
func (r *fetchReader) inBubble(t *testing.T, p engine.Partition) error {
	t.Helper()
	for range 2 * outage / time.Second {
		time.Sleep(time.Second)
		synctest.Wait()
		r.mu.Lock()
		failed := r.failed[p]
		r.mu.Unlock()
		if len(failed) > 0 {
			return failed[0]
		}
	}
	t.Fatal("no failure was told")
	return nil
}

// requests are the fetches that a fake has got.
type requests struct {
	mu      sync.Mutex
	all     []*kmsg.FetchRequest
	changed chan struct{}
}

func awaited(cluster *kfake.Cluster) *requests {
	q := &requests{changed: make(chan struct{})}
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all = append(q.all, r.(*kmsg.FetchRequest))
		close(q.changed)
		q.changed = make(chan struct{})
		return nil, nil, false
	})
	return q
}

// await waits for a fetch that has come or comes.
func (q *requests) await(t *testing.T, what string, is func(*kmsg.FetchRequest) bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for seen := 0; ; {
		q.mu.Lock()
		all, changed := q.all, q.changed
		q.mu.Unlock()
		for ; seen < len(all); seen++ {
			if is(all[seen]) {
				return
			}
		}
		select {
		case <-changed:
		case <-timeout:
			require.FailNow(t, "not fetched: "+what)
		}
	}
}

func asks(r *kmsg.FetchRequest, partition int32) bool {
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			if p.Partition == partition {
				return true
			}
		}
	}
	return false
}

// wires are connections, which are counted. Those to one address are silent: what is sent there gets no answer.
type wires struct {
	mute string

	mu      sync.Mutex
	open    int
	highest int
	silent  chan struct{} // closed when something was sent to the address
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	w.highest = max(w.highest, w.open)
	c := &wire{Conn: raw, wires: w}
	if address == w.mute {
		if w.silent == nil {
			w.silent = make(chan struct{})
		}
		close(w.silent)
		w.mute = ""
		return &silentConn{Conn: c, closed: make(chan struct{})}, nil
	}
	return c, nil
}

// most is how many were open at a time.
func (w *wires) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.highest
}

// muted waits until there is a silent connection.
func (w *wires) muted(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	if w.silent == nil {
		w.silent = make(chan struct{})
	}
	silent := w.silent
	w.mu.Unlock()
	select {
	case <-silent:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nobody dialled the silent broker")
	}
}

type wire struct {
	net.Conn
	wires *wires
	once  sync.Once
}

func (c *wire) Close() error {
	c.once.Do(func() {
		c.wires.mu.Lock()
		defer c.wires.mu.Unlock()
		c.wires.open--
	})
	return c.Conn.Close()
}

// A silentConn swallows what is written, and brings nothing until it is closed.
type silentConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *silentConn) Write(b []byte) (int, error) { return len(b), nil }

func (c *silentConn) Read([]byte) (int, error) {
	<-c.closed
	return 0, net.ErrClosed
}

func (c *silentConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func TestFetcherTellsASilentBrokerAsSuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fetchSettings([]string{"nowhere:9092"})
		s.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r, f := openFetchReader(t, s)
		at := engine.Partition{Topic: "orders"}
		f.Add(fromOffset(at, 0), 1)
		err := r.inBubble(t, at)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "no deadline of the caller's has passed")
		require.ErrorIs(t, err, errSilent)
	})
}
