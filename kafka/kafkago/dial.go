package kafkago

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer connects, and speaks TLS on the connection if the settings say so. Both together have RequestOverhead.
func dialer(s engine.Settings) dialFunc {
	dial := s.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, s.RequestOverhead)
		defer cancel()
		raw, err := dial(ctx, network, address)
		if err != nil || s.TLS == nil {
			return raw, err
		}
		return encrypt(ctx, raw, s.TLS, address)
	}
}

// encrypt shakes hands as a client that expects the certificate of the dialled host.
func encrypt(ctx context.Context, raw net.Conn, config *tls.Config, address string) (net.Conn, error) {
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		config = config.Clone()
		config.ServerName = host
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error says more
		return nil, err
	}
	return conn, nil
}

// connectTime is what kafka-go may take until a connection is ready: for the versions, and, where somebody signs in, for
// the token and the exchange, RequestOverhead each. Dialling itself is bounded by the dialer.
func connectTime(s engine.Settings) time.Duration {
	if s.SASL == nil {
		return s.RequestOverhead
	}
	return 3 * s.RequestOverhead
}

// ready closes a connection that is not ready when ctx ends for its time. kafka-go waits for a broker's part in signing in
// without any bound, and cancels ctx when the connection is ready.
func ready(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				_ = conn.Close()
			}
		})
		return conn, nil
	}
}
