// Package billing is a service with a bug, and the unit test that catches it. It shows how a service's users test it
// against crashes, resharding and lost answers, in milliseconds and without a server:
//
//	go test -v ./examples/testing
//
// Bill is right: it charges an order, and then checkpoints it. BillHastily, in hasty.go, checkpoints first. In a test
// where nothing goes wrong both pass, and so they would for weeks in production, until a process dies between the
// two. The test in service_test.go lets that happen: it runs the service on package memory, in a testing/synctest
// bubble whose clock jumps, with a script that says what goes wrong and when. Then it asks the bank, and not the
// service, what became of the orders. Bill passes the whole check, and BillHastily fails it wherever the script
// interrupts a charge.
package billing

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A Bank takes money. Charge must be idempotent, since an order comes again after a crash: one that was charged
// already is not charged again. It returns an error if ctx ends before the money is there.
type Bank interface {
	Charge(ctx context.Context, order string) error
}

// Run serves the stream "orders" as a member of the group "billing", with one of the handlers of this package, until
// ctx ends. Any backend will do that keeps a customer's orders in order.
func Run(ctx context.Context, b stream.Backend, member string, handler stream.Handler) error {
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{
		Group: "billing", Member: member, Streams: []string{"orders"},
		Require: stream.Requirements{PartitionOrder: stream.Emulated, KeyOrder: stream.Emulated},
	})
	if err != nil {
		return err
	}
	return c.Run(ctx, handler)
}

// Bill charges each order, and says that it is done when it is.
func Bill(bank Bank) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for order, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if err := bank.Charge(ctx, string(order.Value)); err != nil {
				return err
			}
			if err := p.Checkpoint(ctx, order); err != nil {
				return err
			}
		}
		return nil
	}
}
