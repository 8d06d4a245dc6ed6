package franz

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A txBed is a cluster with a client for the code under test.
type txBed struct {
	testing.TB
	addrs    []string
	settings engine.Settings
	client   *client
	wire     *wire
	in, out  string // topics of three partitions
}

var bedNumber atomic.Int64

// newTxBed makes the topics of a test and a client, and closes all at the test's end.
func newTxBed(t testing.TB, addrs []string, change ...func(*engine.Settings)) *txBed {
	t.Helper()
	w := &wire{}
	b := &txBed{TB: t, addrs: addrs, wire: w, settings: engine.Settings{
		Brokers: addrs, ClientID: "streamport", Logger: slog.New(slog.DiscardHandler), Dial: w.dial,
		Acks: engine.AcksAll, Idempotent: true, Linger: 2 * time.Millisecond, BatchBytes: 1_000_012, InFlight: 5,
		Compression: []string{"none"}, ProduceTimeout: 500 * time.Millisecond, TxTimeout: 20 * time.Second,
		FetchMinBytes: 1, FetchMaxBytes: 1 << 20, FetchMaxWait: 100 * time.Millisecond, PartitionBytes: 1 << 20,
		BufferBytes: 1 << 20, DecompressBytes: 1 << 20, Session: 10 * time.Second, Heartbeat: time.Second,
		Rebalance: 10 * time.Second, RequestOverhead: 500 * time.Millisecond, MetadataMinAge: 50 * time.Millisecond,
		MetadataMaxAge: time.Minute, ReadBytes: 100 << 20,
	}}
	for _, c := range change {
		c(&b.settings)
	}
	b.client = b.newClient()
	name := fmt.Sprintf("tx-%d-%d", time.Now().UnixNano(), bedNumber.Add(1))
	b.in, b.out = name+"-in", name+"-out"
	for _, topic := range []string{b.in, b.out} {
		require.NoError(t, b.client.CreateTopic(t.Context(), engine.NewTopic{Name: topic, Partitions: 3, Replication: 1}))
	}
	return b
}

func (b *txBed) newClient() *client {
	options, err := common(b.settings, "")
	require.NoError(b, err)
	native, err := kgo.NewClient(options...)
	require.NoError(b, err)
	c := &client{settings: b.settings, native: native, admin: kadm.NewClient(native)}
	b.Cleanup(c.Close)
	return c
}

func (b *txBed) config(member string, sessions int) stream.SinkConfig {
	return stream.SinkConfig{
		Member: member, Transactions: true, Sessions: sessions, DeliveryTimeout: 5 * time.Second,
		BufferedRecords: 10_000, BufferedBytes: 64 << 20, Observe: func(stream.Event) {}, Logger: b.settings.Logger,
	}
}

// sink opens a sink and closes it at the end.
func (b *txBed) sink(c *client, config stream.SinkConfig) *txSink {
	s, err := c.OpenSink(b.Context(), config, noProbe{})
	require.NoError(b, err)
	tx, ok := s.(*txSink)
	require.True(b, ok, "a sink for transactions")
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = tx.Close(ctx)
	})
	return tx
}

type noProbe struct{}

func (noProbe) MaxBatchBytes(string) (int64, bool) { return 0, false }

func (b *txBed) begin(s *txSink) stream.SinkTx {
	b.Helper()
	tx, err := s.Begin(b.Context())
	require.NoError(b, err)
	return tx
}

// put appends records with these values to the output, each with its value as key.
func (b *txBed) put(tx stream.SinkTx, values ...string) {
	recs := make([]*stream.Record, len(values))
	for i, v := range values {
		recs[i] = &stream.Record{Stream: b.out, Key: []byte(v), Value: []byte(v)}
	}
	tx.Append(b.Context(), recs, func(stream.Ack, error) {})
}

// visible are the values in the output that read-committed readers see when no transaction is open.
func (b *txBed) visible() []string {
	b.Helper()
	b.settle()
	return b.values(kgo.ReadCommitted())
}

// settle waits until every transaction is decided: brokers write the markers after they have answered, and abort what a
// new client of the id finds open.
func (b *txBed) settle() {
	b.Helper()
	require.Eventually(b, func() bool { return b.open() == 0 }, 30*time.Second, 5*time.Millisecond,
		"records of open transactions hold up readers")
}

func (b *txBed) values(level kgo.IsolationLevel) []string {
	b.Helper()
	end := map[int32]int64{}
	ends := b.client.admin.ListEndOffsets
	if level == kgo.ReadCommitted() {
		ends = b.client.admin.ListCommittedOffsets
	}
	b.list(ends).Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			end[o.Partition] = o.Offset
		}
	})
	reader, err := kgo.NewClient(kgo.SeedBrokers(b.addrs...), kgo.ConsumeTopics(b.out), kgo.FetchIsolationLevel(level),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond))
	require.NoError(b, err)
	defer reader.Close()
	var values []string
	for len(end) > 0 {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		fetches := reader.PollFetches(ctx)
		cancel()
		require.NoError(b, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
			if r.Offset+1 >= end[r.Partition] {
				delete(end, r.Partition)
			}
		})
	}
	return values
}

// open is how many records uncommitted transactions hold up.
func (b *txBed) open() int64 {
	all, stable := b.list(b.client.admin.ListEndOffsets), b.list(b.client.admin.ListCommittedOffsets)
	var n int64
	all.Each(func(o kadm.ListedOffset) {
		s, _ := stable.Lookup(o.Topic, o.Partition)
		n += o.Offset - s.Offset
	})
	return n
}

// list asks again when a broker was too slow.
func (b *txBed) list(ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (listed kadm.ListedOffsets) {
	b.Helper()
	require.Eventually(b, func() (ok bool) {
		var err error
		listed, err = ask(b.Context(), b.out)
		return err == nil && listed.Error() == nil
	}, 30*time.Second, 5*time.Millisecond)
	return listed
}

// saved is what the group has stored for partition 0 of the input.
func (b *txBed) saved(group string) engine.Committed {
	b.Helper()
	got, err := b.client.Committed(b.Context(), group, b.in, []int32{0})
	require.NoError(b, err)
	return got[0]
}

// A groupMember is a consumer that has joined a group for the input, by franz-go alone.
type groupMember struct {
	*kgo.Client
	group  string
	joined chan struct{} // holds a token when partitions were assigned

	mu  sync.Mutex // guards what follows
	has map[int32]bool
}

func (b *txBed) join(group string, options ...kgo.Opt) *groupMember {
	b.Helper()
	m := &groupMember{group: group, joined: make(chan struct{}, 1), has: map[int32]bool{}}
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.addrs...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(b.in), kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(200 * time.Millisecond), kgo.SessionTimeout(10 * time.Second),
		kgo.OnPartitionsAssigned(m.set(true)), kgo.OnPartitionsRevoked(m.set(false)), kgo.OnPartitionsLost(m.set(false)),
	}, options...)...)
	require.NoError(b, err)
	b.Cleanup(c.Close)
	m.Client = c
	select {
	case <-m.joined:
	case <-time.After(20 * time.Second):
		b.Fatal("the member did not join")
	}
	return m
}

func (m *groupMember) set(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, all map[string][]int32) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, ps := range all {
			for _, p := range ps {
				m.has[p] = has
			}
		}
		select {
		case m.joined <- struct{}{}:
		default:
		}
	}
}

// owned are the partitions that the member has now.
func (m *groupMember) owned() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ps []int32
	for p, has := range m.has {
		if has {
			ps = append(ps, p)
		}
	}
	return ps
}

func (m *groupMember) membership() engine.Membership {
	id, generation := m.GroupMetadata()
	return engine.Membership{Group: m.group, Member: id, Generation: generation}
}

// A heldClaim is a claim of partition 0 of the input whose guard a test opens and closes.
type heldClaim struct {
	stream.Claim
	client     *client
	topic      string
	partition  int
	membership func() engine.Membership
	lost       atomic.Bool
	guarded    atomic.Int64
	saved      atomic.Int64
}

func (b *txBed) claim(m *groupMember) *heldClaim {
	return &heldClaim{client: b.client, topic: b.in, membership: m.membership}
}

func (c *heldClaim) Of(e engine.Client) bool { return e == engine.Client(c.client) }

func (c *heldClaim) Hold() stream.Hold {
	return stream.Hold{Stream: c.topic, Partition: strconv.Itoa(c.partition)}
}

func (c *heldClaim) Guarded(ctx context.Context, f func(context.Context, engine.Membership) error) error {
	if c.lost.Load() {
		return stream.ErrLost
	}
	c.guarded.Add(1)
	return f(ctx, c.membership())
}

func (c *heldClaim) Committed(to stream.Checkpoint) (engine.Committed, error) {
	return committed(to), nil
}

func (c *heldClaim) IsSaved(at engine.Committed) bool { return c.saved.Load() == at.Offset.At }

func (c *heldClaim) Saved(to engine.Committed) { c.saved.Store(to.Offset.At) }

// committed is a checkpoint with its state in plain text.
func committed(to stream.Checkpoint) engine.Committed {
	return engine.Committed{Offset: engine.After(to.Position), Metadata: string(to.State)}
}

func (c *heldClaim) Checkpoint(ctx context.Context, to stream.Checkpoint) error {
	refused, err := c.client.Commit(ctx, c.membership(), c.topic, map[int32]engine.Committed{int32(c.partition): committed(to)})
	if err != nil {
		return err
	}
	return refused[int32(c.partition)]
}

func checkpoint(offset int64, state string) stream.Checkpoint {
	c := stream.Checkpoint{Position: engine.Position(offset-1, -1)}
	if state != "" {
		c.State = []byte(state)
	}
	return c
}

// A wire loses requests of one key, or their answers.
type wire struct {
	mu    sync.Mutex // guards what follows
	key   kmsg.Key
	loses loss
	times int
	lost  int
}

type loss int

const (
	nothing      loss = iota
	lostRequests      // before the broker has them
	lostAnswers       // after the broker has done them
)

// lose loses so many requests of a key; -1: all.
func (w *wire) lose(key kmsg.Key, what loss, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key, w.loses, w.times, w.lost = key, what, times, 0
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

func (w *wire) meets(key kmsg.Key) loss {
	w.mu.Lock()
	defer w.mu.Unlock()
	if key != w.key || w.times == 0 {
		return nothing
	}
	w.times--
	w.lost++
	return w.loses
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, wire: w}, nil
}

type wireConn struct {
	net.Conn
	wire *wire
	deaf atomic.Bool
}

func (c *wireConn) Write(p []byte) (int, error) {
	if len(p) >= 6 {
		switch c.wire.meets(kmsg.Key(binary.BigEndian.Uint16(p[4:]))) {
		case lostRequests:
			c.Close()
			return len(p), nil
		case lostAnswers:
			c.deaf.Store(true)
		}
	}
	return c.Conn.Write(p)
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.deaf.Load() {
		c.Close()
		return 0, io.EOF
	}
	return n, err
}
