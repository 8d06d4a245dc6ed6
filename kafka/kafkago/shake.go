package kafkago

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A direct is a connection to one broker, with one request at a time.
type direct struct {
	conn    *protocol.Conn
	address string
	id      string // client id
	count   int32  // of requests
	known   map[protocol.ApiKey]apiversions.ApiKeyResponse
	ends    time.Time // when the broker ends the session (KIP-368); zero: never
	used    time.Time
	spent   bool // a context that ended may still set a deadline
}

// isFresh reports whether the broker has the connection still, as far as is known.
func (c *direct) isFresh(now time.Time) bool {
	return now.Sub(c.used) < idleAge && (c.ends.IsZero() || now.Before(c.ends))
}

// open asks for the broker's versions, and authenticates.
func (c *direct) open(ctx context.Context, mechanism sasl.Mechanism, patience time.Duration) error {
	answer, err := c.roundTrip(ctx, &apiversions.Request{}, patience)
	if err != nil {
		return err
	}
	versions := answer.(*apiversions.Response)
	if err := engine.Failed(versions.ErrorCode, nil); err != nil {
		return err
	}
	c.known = make(map[protocol.ApiKey]apiversions.ApiKeyResponse, len(versions.ApiKeys))
	for _, k := range versions.ApiKeys {
		c.known[protocol.ApiKey(k.ApiKey)] = k
	}
	if mechanism == nil {
		return nil
	}
	return c.authenticate(ctx, mechanism, patience)
}

// authenticate speaks the mechanism, framed as Kafka does since 1.0 (KIP-152), as kafka-go's Transport does; but it keeps
// the session's end.
func (c *direct) authenticate(ctx context.Context, mechanism sasl.Mechanism, patience time.Duration) error {
	answer, err := c.roundTrip(ctx, &saslhandshake.Request{Mechanism: mechanism.Name()}, patience)
	if err != nil {
		return err
	}
	if err := engine.Failed(answer.(*saslhandshake.Response).ErrorCode, nil); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(c.address)
	if err != nil {
		return err
	}
	number, _ := strconv.Atoi(port) // 0 where a port has a name
	ctx = sasl.WithMetadata(ctx, &sasl.Metadata{Host: host, Port: number})
	machine, said, err := mechanism.Start(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		begun := time.Now()
		answer, err := c.roundTrip(ctx, &saslauthenticate.Request{AuthBytes: said}, patience)
		if err != nil {
			return err
		}
		told := answer.(*saslauthenticate.Response)
		if err := engine.Failed(told.ErrorCode, &told.ErrorMessage); err != nil {
			return err
		}
		if told.SessionLifetimeMs > 0 {
			c.ends = begun.Add(time.Duration(told.SessionLifetimeMs) * time.Millisecond * 9 / 10)
		}
		if done, said, err = machine.Next(ctx, told.AuthBytes); err != nil {
			return err
		}
	}
	return nil
}

// version chooses the highest that both sides know; kafka-go would send one that a broker does not know.
func (c *direct) version(request protocol.Message) (int16, error) {
	if c.known == nil {
		return 0, nil // the versions are being asked for
	}
	key := request.ApiKey()
	broker, ok := c.known[key]
	low, high := key.MinVersion(), key.MaxVersion()
	if own, isOwn := request.(wired); isOwn {
		low, high = own.version(), own.version()
	}
	low, high = max(low, broker.MinVersion), min(high, broker.MaxVersion)
	if !ok || low > high {
		return 0, fmt.Errorf("%w: %w: the broker has no version of %v that is known here", errUnsent, stream.ErrUnsupported, key)
	}
	return high, nil
}

// roundTrip ends with ctx, and after patience.
func (c *direct) roundTrip(ctx context.Context, request protocol.Message, patience time.Duration) (protocol.Message, error) {
	version, err := c.version(request)
	if err != nil {
		return nil, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer func() { c.spent = !stop() }()
	c.count++
	answer, err := c.exchange(request, version)
	if ended := ctx.Err(); err != nil && ended != nil {
		return nil, fmt.Errorf("%w: %w", ended, err)
	}
	return answer, err
}

func (c *direct) exchange(request protocol.Message, version int16) (protocol.Message, error) {
	own, isOwn := request.(wired)
	var err error
	if isOwn {
		_, err = c.conn.Write(framed(own, c.count, c.id))
	} else {
		err = protocol.WriteRequest(c.conn, version, c.count, c.id, request)
	}
	if err != nil {
		return nil, err
	}
	n, err := c.size()
	if err != nil {
		return nil, err
	}
	if isOwn {
		return c.readOwn(own, n)
	}
	number, answer, err := protocol.ReadResponse(c.conn, request.ApiKey(), version)
	if err != nil {
		return nil, err
	}
	return answer, c.check(number)
}

// size looks at how long the answer is.
func (c *direct) size() (int32, error) {
	size, err := c.conn.Peek(sizeBytes)
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(size)), nil
}

// check refuses the answer to another request.
func (c *direct) check(number int32) error {
	if number == c.count {
		return nil
	}
	return fmt.Errorf("%w: a broker's answer to request %d, asked was %d", stream.ErrCorrupt, number, c.count)
}

// readOwn reads the answer to a request that kafka-go does not know.
func (c *direct) readOwn(request wired, n int32) (protocol.Message, error) {
	frame := make([]byte, 4+int(n))
	if _, err := io.ReadFull(c.conn, frame); err != nil {
		return nil, err
	}
	if err := c.check(int32(binary.BigEndian.Uint32(frame[4:]))); err != nil {
		return nil, err
	}
	return request.decode(frame[8:])
}
