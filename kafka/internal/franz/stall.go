package franz

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errStalled is why a broker is not dialled.
var errStalled = errors.New("the broker has stopped to answer, and is tried again in a moment")

// stalls keep one client from brokers that have stopped to answer. The kernel of a paused broker goes on taking
// connections and requests, so that franz-go, which has given up one request, would ask the same broker for metadata, or
// send it the batch again, and wait for its time-outs once more, while others know the new leader.
//
// A broker that has let a request time out that it answers by itself loses its other connections, and is not dialled for a
// while, if there is another one to ask.
type stalls struct {
	dial    func(context.Context, string, string) (net.Conn, error)
	wait    time.Duration // how long a broker is not dialled: as long as the next request to it would be waited for
	batches bool          // batches are answered

	mu    sync.Mutex           // guards what follows
	until map[string]time.Time // by address
	known map[string]bool      // addresses that were dialled
	open  map[*watchedConn]struct{}
}

func newStalls(dial func(context.Context, string, string) (net.Conn, error), wait time.Duration, batches bool) *stalls {
	return &stalls{
		dial: dial, wait: wait, batches: batches, until: map[string]time.Time{}, known: map[string]bool{},
		open: map[*watchedConn]struct{}{},
	}
}

// connect dials, unless the broker is stalled.
func (s *stalls) connect(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	s.known[address] = true
	stalled := len(s.known) > 1 && time.Now().Before(s.until[address])
	s.mu.Unlock()
	if stalled {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errStalled}
	}
	raw, err := s.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &watchedConn{Conn: raw, stalls: s, address: address}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[conn] = struct{}{}
	return conn, nil
}

// OnBrokerRead is called by franz-go when it has read an answer, or has given it up.
func (s *stalls) OnBrokerRead(broker kgo.BrokerMetadata, key int16, n int, _, _ time.Duration, err error) {
	address := net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port)))
	switch {
	case err == nil && n > 0:
		s.lives(address)
	case errors.Is(err, os.ErrDeadlineExceeded) && s.isAnswered(key):
		s.stall(address)
	}
}

// isAnswered reports whether a broker answers such requests without waiting for others, or in a time that they name.
func (s *stalls) isAnswered(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.ApiVersions, kmsg.Metadata, kmsg.Fetch:
		return true
	case kmsg.Produce:
		return s.batches
	}
	return false
}

// lives forgets that a broker was stalled.
func (s *stalls) lives(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.until) > 0 {
		delete(s.until, address)
	}
}

// stall ends what waits for the broker.
func (s *stalls) stall(address string) {
	s.mu.Lock()
	if len(s.known) < 2 {
		s.mu.Unlock()
		return
	}
	s.until[address] = time.Now().Add(s.wait)
	var waiting []*watchedConn
	for conn := range s.open {
		if conn.address == address {
			waiting = append(waiting, conn)
		}
	}
	s.mu.Unlock()
	for _, conn := range waiting {
		_ = conn.Conn.Close() // its reader is told
	}
}

// A watchedConn is a connection that ends when its broker stalls.
type watchedConn struct {
	net.Conn
	stalls  *stalls
	address string
}

// Close closes the connection and forgets it.
func (c *watchedConn) Close() error {
	c.stalls.mu.Lock()
	delete(c.stalls.open, c)
	c.stalls.mu.Unlock()
	return c.Conn.Close()
}
