package billing

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// BillHastily has the bug: it says that an order is done before it is. Whoever takes over after a crash begins behind
// the order that was never charged.
func BillHastily(bank Bank) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for order, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if err := p.Checkpoint(ctx, order); err != nil { // wrong: nothing is done yet
				return err
			}
			if err := bank.Charge(ctx, string(order.Value)); err != nil {
				return err
			}
		}
		return nil
	}
}
