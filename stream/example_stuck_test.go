package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A service ends on SIGTERM by ending Run's context (signal.NotifyContext). A handler that is stuck cannot keep it: Run
// returns after the grace, within a second, and names the partition.
func TestShutdownWithStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open("orders")
		fill(b, "orders", "a=1")
		ctx, stop := context.WithCancel(t.Context()) // in a service: signal.NotifyContext(context.Background(), syscall.SIGTERM)
		c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"orders"}, Grace: 5 * time.Second})
		require.NoError(t, err)

		unstick := make(chan struct{})
		time.AfterFunc(time.Minute, stop)
		err = c.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
			for range p.Records(ctx) {
				<-unstick // a call that heeds no context
			}
			return nil
		})
		require.ErrorIs(t, err, stream.ErrGrace)
		require.ErrorContains(t, err, "orders/0")
		require.NoError(t, b.Close())
		close(unstick)
	})
}
