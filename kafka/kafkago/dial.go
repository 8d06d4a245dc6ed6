package kafkago

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// dialer connects, and speaks TLS on the connection if the settings say so. Both together have RequestOverhead.
func dialer(s engine.Settings) func(context.Context, string, string) (net.Conn, error) {
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

// connectTime is what kafka-go may take until a connection is ready: for dialling and the brokers' versions, and, where
// somebody signs in, for the token and the exchange.
func connectTime(s engine.Settings) time.Duration {
	if s.SASL == nil {
		return s.RequestOverhead
	}
	return 3 * s.RequestOverhead
}

// ready connects and signs in, for kafka-go. It could sign in itself, but then waits for brokers without any bound, and
// takes one that goes away meanwhile for one that refuses the credentials.
func (l *lines) ready(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := l.connect(ctx, network, address)
	if err != nil || l.sasl == nil {
		return raw, err
	}
	if _, err = l.greet(ctx, raw, address); err == nil {
		err = ctx.Err() // whose end leaves a deadline on the connection
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = raw.Close() // the error before says more
		return nil, err
	}
	return raw, nil
}
