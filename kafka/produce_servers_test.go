//go:build servers

package kafka_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// TestProduceOnServers does on a real broker what a fake one may take otherwise.
func TestProduceOnServers(t *testing.T) { startBrokers(t, testenv.Config{}).produces(t) }

func (b *brokers) produces(t *testing.T) {
	b.tests(t, map[string]func(*testing.T){
		"keys":     b.keysLieWhereJavaPutsThem,
		"nil keys": b.nilKeysSpreadByBatches,
		"codecs":   b.codecs,
		"acks":     b.lowerAcks,
		"throttle": b.throttles,
	})
}

// hasher prints where Java's default partitioner puts keys, which come in lines of hexadecimal digits.
const hasher = `
import java.nio.file.*;
import java.util.HexFormat;
import org.apache.kafka.common.utils.Utils;

public class Hasher {
	public static void main(String[] args) throws Exception {
		StringBuilder all = new StringBuilder();
		for (String line : Files.readString(Path.of(args[0])).split("\n", -1))
			all.append(Utils.toPositive(Utils.murmur2(HexFormat.of().parseHex(line))) % Integer.parseInt(args[1])).append("\n");
		System.out.print(all);
	}
}
`

func (b *brokers) keysLieWhereJavaPutsThem(t *testing.T) {
	const n, partitions = 2000, 7
	dice := rand.New(rand.NewPCG(1, 2))
	keys := [][]byte{{}, {0}, {255, 254}, []byte("k"), []byte("schlüssel"), []byte("鍵"), make([]byte, 10_000)}
	for len(keys) < n {
		key := make([]byte, dice.IntN(40))
		if len(keys)%50 == 0 {
			key = make([]byte, 1000+dice.IntN(4000))
		}
		for i := range key {
			key[i] = byte(dice.Uint32())
		}
		keys = append(keys, key)
	}
	lines := make([]string, n)
	for i, key := range keys {
		lines[i] = hex.EncodeToString(key)
	}
	out, err := b.RunJava(bounded(t), hasher, file(t, "keys", strings.Join(lines, "\n")), strconv.Itoa(partitions))
	require.NoError(t, err)
	want := strings.Fields(string(out))
	require.Len(t, want, n)

	topic := b.topic(t, partitions)
	p := producer(t, b.open(t, b.config(nil)), stream.ProducerConfig{})
	got := newAcks(t)
	for i, key := range keys {
		p.SendAsync(t.Context(), &stream.Record{Stream: topic, Key: key, Value: fmt.Append(nil, i)}, got.done)
	}
	require.NoError(t, p.Flush(bounded(t)))
	got.good(n)
	for partition := range int32(partitions) {
		for _, r := range b.log(t, topic, partition) {
			i, err := strconv.Atoi(string(r.Value))
			require.NoError(t, err)
			require.Equal(t, want[i], strconv.Itoa(int(partition)), "key %x", keys[i])
			require.Equal(t, keys[i], r.Key)
		}
	}
}

func (b *brokers) nilKeysSpreadByBatches(t *testing.T) {
	const n, partitions = 3000, 4
	topic := b.topic(t, partitions)
	config := b.config(nil)
	config.BatchBytes = 1000
	p := producer(t, b.open(t, config), stream.ProducerConfig{})
	got := newAcks(t)
	recs := make([]*stream.Record, n)
	for i := range recs {
		recs[i] = &stream.Record{Stream: topic, Value: fmt.Append(nil, i)}
		p.SendAsync(t.Context(), recs[i], got.done)
	}
	require.NoError(t, p.Flush(bounded(t)))
	got.good(n)
	changes, counts := 0, map[string]int{}
	for i, r := range recs {
		counts[got.of(r).Partition]++
		if i > 0 && got.of(r).Partition != got.of(recs[i-1]).Partition {
			changes++
		}
	}
	require.Len(t, counts, partitions)
	require.Less(t, changes, n/2) // record by record it would be three quarters of them
}

func (b *brokers) codecs(t *testing.T) {
	for number, codec := range []kafka.Codec{"none", "gzip", "snappy", "lz4", "zstd"} {
		topic := b.topic(t, 1)
		config := b.config(nil)
		config.Compression = []kafka.Codec{codec}
		p := producer(t, b.open(t, config), stream.ProducerConfig{})
		recs := make([]*stream.Record, 200)
		for i := range recs {
			recs[i] = &stream.Record{Stream: topic, Value: fmt.Appendf(nil, "%s%d", strings.Repeat("compressible ", 20), i)}
		}
		require.NoError(t, p.Send(bounded(t), recs...))
		log := b.log(t, topic, 0)
		require.Len(t, log, len(recs))
		for i, r := range log {
			require.Equal(t, string(recs[i].Value), string(r.Value))
		}
		require.EqualValues(t, number, log[len(log)-1].Attrs.CompressionType(), codec)
	}
}

func (b *brokers) lowerAcks(t *testing.T) {
	for _, acks := range []kafka.Acks{kafka.AcksLeader, kafka.AcksNone} {
		topic := b.topic(t, 1)
		config := b.config(nil)
		config.Acks = acks
		backend := b.open(t, config)
		have, err := backend.Capabilities(bounded(t), topic)
		require.NoError(t, err)
		require.Less(t, have.IdempotentProduce.Support, stream.Emulated)
		require.Less(t, have.Transactions.Support, stream.Emulated)
		p := producer(t, backend, stream.ProducerConfig{})
		got := newAcks(t)
		recs := make([]*stream.Record, 500)
		for i := range recs {
			recs[i] = &stream.Record{Stream: topic, Key: []byte("k"), Value: fmt.Append(nil, i)}
			p.SendAsync(t.Context(), recs[i], got.done)
		}
		require.NoError(t, p.Flush(bounded(t)))
		got.good(len(recs))
		require.Equal(t, acks == kafka.AcksNone, got.of(recs[0]).Position.IsZero())
		require.Eventually(t, func() bool { return len(b.log(t, topic, 0)) == len(recs) }, 10*time.Second, 50*time.Millisecond)
		for i, r := range b.log(t, topic, 0) {
			require.Equal(t, strconv.Itoa(i), string(r.Value))
		}
	}
}

// throttles: a broker's quota shows as an event, and nothing is lost.
func (b *brokers) throttles(t *testing.T) {
	topic := b.topic(t, 1)
	config := b.config(nil)
	config.ClientID = "throttled"
	id := "throttled-" + topic
	name := "client-id"
	_, err := b.admin.AlterClientQuotas(bounded(t), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: name, Name: &id}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 20_000}},
	}})
	require.NoError(t, err)
	var waits atomic.Int64
	p := producer(t, b.open(t, config), stream.ProducerConfig{Member: topic, Observe: func(e stream.Event) {
		if e.Kind == stream.EventThrottled && e.Duration > 0 {
			waits.Add(1)
		}
	}})
	sent := 0
	require.Eventually(t, func() bool {
		require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: make([]byte, 50_000)}))
		sent++
		return waits.Load() > 0
	}, 30*time.Second, time.Millisecond)
	require.Len(t, b.log(t, topic, 0), sent)
}

// acks collects answers.
type acks struct {
	t    *testing.T
	mu   sync.Mutex // guards what follows
	all  map[*stream.Record]stream.Ack
	n    int
	errs []error
}

func newAcks(t *testing.T) *acks {
	return &acks{t: t, all: map[*stream.Record]stream.Ack{}}
}

func (a *acks) done(ack stream.Ack, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[ack.Record] = ack
	a.n++
	if err != nil {
		a.errs = append(a.errs, err)
	}
}

func (a *acks) of(r *stream.Record) stream.Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all[r]
}

// good requires n answers, all without error.
func (a *acks) good(n int) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Empty(a.t, a.errs)
	require.Equal(a.t, n, a.n)
}
