package kafkago

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// pipe returns the dialling of a connection, and its other end.
func pipe(t *testing.T) (dialFunc, net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return func(context.Context, string, string) (net.Conn, error) { return here, nil }, there
}

func TestAConnectionThatIsNotReadyInTimeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, broker := pipe(t)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := ready(dial)(ctx, "tcp", "b:9092")
		require.NoError(t, err)
		_, err = broker.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 2*time.Second, time.Since(begun))
	})
}

func TestAConnectionThatIsReadyStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, broker := pipe(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := ready(dial)(ctx, "tcp", "b:9092")
		require.NoError(t, err)
		cancel()
		time.Sleep(3 * time.Second)
		go func() { _, _ = conn.Write([]byte("x")) }()
		_, err = broker.Read(make([]byte, 1))
		require.NoError(t, err)
	})
}

func TestDiallingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		dial := dialer(engine.Settings{RequestOverhead: 3 * time.Second, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		_, err := dial(t.Context(), "tcp", "b:9092")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}
