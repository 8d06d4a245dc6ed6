package kafkago

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/stream"
)

const (
	idleAge = 30 * time.Second // after which an unused connection is closed, at the next question
	// lanes bounds the connections to one broker: on each there is one request at a time, and checkpoints of many
	// partitions go to the same coordinator.
	lanes = 3
)

// errUnsent marks what failed before a request was sent: the brokers did nothing.
var errUnsent = errors.New("nothing was sent")

// ask sends a request to one broker, and waits for the answer until ctx ends, and for RequestOverhead at most, beyond what
// the request itself allows the broker. It goes where a Transport cannot be told to go: to the broker of the address, or,
// where that is "", to the first that can be reached. A Transport also answers metadata from memory.
//
// It sends once, but for questions that meet a connection which the broker has closed since it was used last. An error
// that Is errUnsent says that no broker got the request. Errors are kafka-go's own: see mapped.
func (l *lines) ask(ctx context.Context, address string, request protocol.Message) (protocol.Message, error) {
	if address != "" {
		return l.askOf(ctx, address, request)
	}
	var errs []error
	for _, candidate := range l.candidates() {
		answer, err := l.askOf(ctx, candidate, request)
		if err == nil || !errors.Is(err, errUnsent) || !isPassing(err) {
			return answer, err
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// askOf asks the broker of an address.
func (l *lines) askOf(ctx context.Context, address string, request protocol.Message) (protocol.Message, error) {
	lane := l.lane(address)
	select {
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errUnsent, ctx.Err())
	case <-l.base.Done():
		return nil, fmt.Errorf("%w: %w", errUnsent, stream.ErrClosed)
	}
	if c := l.idle(address); c != nil {
		answer, err := l.exchange(ctx, c, request)
		if err == nil || !isHungUp(err) || !isQuestion(request) || ctx.Err() != nil {
			return answer, err
		}
	}
	c, err := l.shake(ctx, address)
	if err != nil {
		l.forget(address)
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	return l.exchange(ctx, c, request)
}

// lane holds one for each connection to a broker that is in use.
func (l *lines) lane(address string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := l.lanes[address]
	if lane == nil {
		lane = make(chan struct{}, lanes)
		l.lanes[address] = lane
	}
	return lane
}

// exchange keeps the connection if there was an answer. Otherwise one may still come, and would be taken for the next.
func (l *lines) exchange(ctx context.Context, c *direct, request protocol.Message) (protocol.Message, error) {
	answer, err := c.roundTrip(ctx, request, l.settings.RequestOverhead+allowance(request))
	switch {
	case err == nil:
		switch told := answer.(type) {
		case *metadata.Response:
			l.note(told.Brokers)
		case *identityResponse:
			l.note(told.Brokers)
		}
		l.keep(c)
	case errors.Is(err, errUnsent): // no version is known on both sides
		l.keep(c)
	default:
		_ = c.conn.Close()
		l.forget(c.address)
	}
	if err != nil && l.base.Err() != nil {
		return nil, fmt.Errorf("%w: %w", stream.ErrClosed, err)
	}
	return answer, err
}

// allowance is the time that a request gives the broker.
func allowance(request protocol.Message) time.Duration {
	if r, ok := request.(*createtopics.Request); ok {
		return time.Duration(r.TimeoutMs) * time.Millisecond
	}
	return 0
}

// isQuestion reports whether a request changes nothing where it is sent twice.
func isQuestion(request protocol.Message) bool {
	switch request.ApiKey() {
	case protocol.Metadata, protocol.ListOffsets, protocol.OffsetFetch, protocol.FindCoordinator, protocol.ApiVersions,
		protocol.DescribeConfigs, protocol.Heartbeat, protocol.InitProducerId:
		return true
	}
	return false
}

// isHungUp reports whether the other side has closed the connection.
func isHungUp(err error) bool {
	var broken *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || (errors.As(err, &broken) && !broken.Timeout())
}

// isPassing reports whether another broker, or the same one later, may do what one did not. The credentials are the same
// for all.
func isPassing(err error) bool {
	told := mapped(err)
	for _, final := range []error{stream.ErrUnauthorized, stream.ErrUnsupported, stream.ErrInvalid, stream.ErrClosed} {
		if errors.Is(told, final) {
			return false
		}
	}
	return true
}

// shake connects to the broker of an address, asks for its versions and authenticates, each within RequestOverhead.
func (l *lines) shake(ctx context.Context, address string) (*direct, error) {
	raw, err := l.connect(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c, err := l.greet(ctx, raw, address)
	if err != nil {
		_ = raw.Close() // the error before says more
		return nil, err
	}
	return c, nil
}

// greet does so on a connection.
func (l *lines) greet(ctx context.Context, raw net.Conn, address string) (*direct, error) {
	c := &direct{
		conn: protocol.NewConn(raw, l.id), address: address, id: l.id, used: time.Now(),
	}
	return c, c.open(ctx, l.sasl, l.settings.RequestOverhead)
}

// idle takes an unused connection to an address, the last used, and closes those that are too old.
func (l *lines) idle(address string) *direct {
	now := time.Now()
	l.mu.Lock()
	var found *direct
	var old []*direct
	l.unused = slices.DeleteFunc(l.unused, func(c *direct) bool {
		if c.isFresh(now) {
			return false
		}
		old = append(old, c)
		return true
	})
	for i, c := range slices.Backward(l.unused) {
		if c.address == address {
			found = c
			l.unused = slices.Delete(l.unused, i, i+1)
			break
		}
	}
	l.mu.Unlock()
	hangUp(old)
	return found
}

// keep makes a connection free for the next question.
func (l *lines) keep(c *direct) {
	c.used = time.Now()
	l.mu.Lock()
	kept := !l.closed && !c.spent
	if kept {
		l.unused = append(l.unused, c)
	}
	l.mu.Unlock()
	if !kept {
		_ = c.conn.Close()
	}
}

// forget closes the unused connections of a broker that has failed, and has ask try another one first from now on.
func (l *lines) forget(address string) {
	l.mu.Lock()
	var gone []*direct
	l.unused = slices.DeleteFunc(l.unused, func(c *direct) bool {
		if c.address != address {
			return false
		}
		gone = append(gone, c)
		return true
	})
	l.turn++
	l.mu.Unlock()
	hangUp(gone)
}

func hangUp(lines []*direct) {
	for _, c := range lines {
		_ = c.conn.Close()
	}
}

// note remembers where brokers are, so that a question finds one even if those of the configuration are gone.
func (l *lines) note(brokers []metadata.ResponseBroker) {
	addresses := make([]string, len(brokers))
	for i, b := range brokers {
		addresses[i] = addressOf(b)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = addresses
	for address, lane := range l.lanes {
		if len(lane) == 0 && !slices.Contains(addresses, address) && !slices.Contains(l.settings.Brokers, address) {
			delete(l.lanes, address)
		}
	}
}

func addressOf(b metadata.ResponseBroker) string {
	return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
}

// candidates are the brokers of the configuration and those that they told of. Whose turn it is comes first.
func (l *lines) candidates() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.settings.Brokers)
	for _, address := range l.known {
		if !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	first := l.turn % len(all)
	return slices.Concat(all[first:], all[:first])
}
