package billing

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// accidents are what can go wrong. A charge takes 10 ms, so that 55 ms after the beginning both members are in the
// middle of one: the time is virtual, and the same at every run.
var accidents = map[string]struct {
	plan  func(*memory.Script)
	fatal bool // for a handler that checkpoints before its work is done
}{
	"nothing": {
		plan: func(*memory.Script) {},
	},
	"a split": {
		plan: func(s *memory.Script) { s.At(55*time.Millisecond, "split", split) },
	},
	"a crash": {
		plan:  func(s *memory.Script) { s.At(55*time.Millisecond, "crash", crash) },
		fatal: true,
	},
	"a crash while a partition is split": {
		plan: func(s *memory.Script) {
			s.At(53*time.Millisecond, "split", split)
			s.At(55*time.Millisecond, "crash", crash)
		},
		fatal: true,
	},
	"a checkpoint whose answer is lost": {
		plan:  func(s *memory.Script) { s.ApplyThen(memory.OpCheckpoint, 7, memory.Outcome{Lost: true}) },
		fatal: true,
	},
}

func split(b *memory.Backend) error { return b.Split("orders", b.Partitions("orders")[0]) }
func crash(b *memory.Backend) error { return b.Abandon("billing", "one") }

func TestEveryOrderIsCharged(t *testing.T) {
	for name, accident := range accidents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { require.NoError(t, serve(t, Bill, accident.plan)) })
		})
	}
}

// A test that cannot fail proves nothing: this one shows that the one above does.
func TestTheBugIsCaught(t *testing.T) {
	for name, accident := range accidents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := serve(t, BillHastily, accident.plan)
				if !accident.fatal {
					require.NoError(t, err, "no charge was interrupted: here the bug does not show")
					return
				}
				require.ErrorContains(t, err, "never charged")
				t.Logf("caught: %v", err)
			})
		})
	}
}

// serve lets two members bill a hundred orders under a script of faults, and returns what the bank says of it.
func serve(t *testing.T, handler func(Bank) stream.Handler, plan func(*memory.Script)) error {
	var script memory.Script
	plan(&script)
	b, err := memory.Open(t.Context(), memory.Config{ // the default profile: what passes here passes on every backend
		Streams: []stream.StreamConfig{{Name: "orders", Partitions: 2}},
		Script:  &script,
	})
	require.NoError(t, err)
	defer b.Close()

	var bank slowBank
	ctx, stop := context.WithCancel(t.Context())
	var members sync.WaitGroup
	for _, member := range []string{"one", "two"} {
		members.Go(func() {
			for ctx.Err() == nil { // whoever dies is started again
				err := Run(ctx, b, member, handler(&bank))
				t.Logf("member %s has ended: %v", member, err)
				pause(ctx, time.Second)
			}
		})
	}
	orders := placeOrders(t, b)

	settled := b.Settle(ctx) // nothing is in flight, or who is stuck where
	stop()
	members.Wait()
	require.NoError(t, settled)
	script.Check(t) // every fault has happened
	return bank.audit(orders)
}

// placeOrders sends ten orders of each of ten customers.
func placeOrders(t *testing.T, b stream.Backend) (orders []string) {
	p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{})
	require.NoError(t, err)
	for number := range 10 {
		for customer := range 10 {
			order := fmt.Sprintf("customer %d, order %d", customer, number)
			orders = append(orders, order)
			rec := &stream.Record{Stream: "orders", Key: fmt.Append(nil, customer), Value: []byte(order)}
			require.NoError(t, p.Send(t.Context(), rec))
		}
	}
	require.NoError(t, p.Close(t.Context()))
	return orders
}
