package kafkago

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// secured are lines to a broker at the other end of a pipe, which wants somebody to sign in.
func secured(t *testing.T) (l *lines, broker net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	l, err := newLines(engine.Settings{
		Brokers: []string{"b:9092"}, RequestOverhead: 3 * time.Second, SASL: &engine.SASL{Mechanism: "PLAIN", User: "u", Password: "p"},
		Dial: func(context.Context, string, string) (net.Conn, error) { return here, nil },
	}, "")
	require.NoError(t, err)
	t.Cleanup(l.close)
	t.Cleanup(func() { _ = there.Close() })
	return l, there
}

func TestABrokerThatIsSilentIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, broker := secured(t)
		read := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, broker)
			read <- err
		}()
		begun := time.Now()
		_, err := l.ready(t.Context(), "tcp", "b:9092")
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begun))
		require.NoError(t, <-read, "the connection is closed")
	})
}

func TestSigningInEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, broker := secured(t)
		go func() { _, _ = io.Copy(io.Discard, broker) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.ready(ctx, "tcp", "b:9092")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A broker that goes away while somebody signs in, as one that restarts does, has not refused anybody.
func TestABrokerThatGoesAwayIsNoRefusal(t *testing.T) {
	c := guarded(t, "alice", "right")
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, io.EOF, true
	})
	for way, err := range signIn(t, c.ListenAddrs(), engine.SASL{Mechanism: "PLAIN", User: "alice", Password: "right"}) {
		require.ErrorIs(t, err, io.EOF, way)
		require.NotErrorIs(t, mapped(err), stream.ErrUnauthorized, way)
	}
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
