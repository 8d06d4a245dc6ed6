//go:build servers

package franz

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// BenchmarkTx prints what a transaction costs: holds write batches of 1,000 records of 100 bytes and a checkpoint each, in
// one transaction a batch ("exactly once") or one after the other ("at least once").
func BenchmarkTx(b *testing.B) {
	for _, version := range []string{"4.4.0", "3.9.2"} {
		cluster := testenv.Run(b, testenv.Config{Version: version, Fast: true, Heap: "512m"})
		for _, holds := range []int{1, 3, 12} {
			bed := newTxBench(b, cluster.Bootstrap(), holds, holds)
			twice := newTxBench(b, cluster.Bootstrap(), holds, 2*holds)
			name := fmt.Sprintf("%s/holds=%d/", version, holds)
			b.Run(name+"at least once", func(b *testing.B) { bed.run(b, bed.plainly) })
			b.Run(name+"exactly once", func(b *testing.B) { bed.run(b, bed.transact) })
			b.Run(name+"exactly once, two slots a hold", func(b *testing.B) { twice.run(b, twice.transact) })
		}
	}
}

type txBench struct {
	*txBed
	holds  int
	claims []*heldClaim
	plain  stream.Sink
	tx     *txSink
	batch  []*stream.Record
}

func newTxBench(b *testing.B, addrs []string, holds, sessions int) *txBench {
	bed := newTxBed(b, addrs, func(s *engine.Settings) { s.Linger = 5 * time.Millisecond })
	x := &txBench{txBed: bed, holds: holds, tx: bed.sink(bed.client, bed.config("bench", sessions))}
	config := bed.config("plain", 1)
	config.Transactions = false
	var err error
	x.plain, err = bed.client.OpenSink(b.Context(), config, noProbe{})
	require.NoError(b, err)
	b.Cleanup(func() { _ = x.plain.Close(b.Context()) })
	m := bed.join(bed.in)
	for i := range holds {
		c := bed.claim(m)
		c.partition = i % 3
		x.claims = append(x.claims, c)
	}
	for i := range 1000 {
		x.batch = append(x.batch, &stream.Record{Stream: bed.out, Key: fmt.Appendf(nil, "%d", i), Value: make([]byte, 100)})
	}
	return x
}

func (x *txBench) run(b *testing.B, write func(*heldClaim, stream.Checkpoint) error) {
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	each := max(b.N/x.holds, 1)
	b.ResetTimer()
	for _, c := range x.claims {
		wg.Go(func() {
			for i := range each {
				begun := time.Now()
				if err := write(c, checkpoint(int64(i+1), "")); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(begun))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(each*x.holds*len(x.batch))/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func (x *txBench) transact(c *heldClaim, to stream.Checkpoint) error {
	tx, err := x.tx.Begin(x.Context())
	if err != nil {
		return err
	}
	tx.Append(x.Context(), x.batch, func(stream.Ack, error) {})
	return tx.Commit(x.Context(), c, to)
}

func (x *txBench) plainly(c *heldClaim, to stream.Checkpoint) error {
	x.plain.Append(x.Context(), x.batch, func(stream.Ack, error) {})
	if err := x.plain.Flush(x.Context()); err != nil {
		return err
	}
	return c.Checkpoint(x.Context(), to)
}
