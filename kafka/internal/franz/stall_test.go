package franz

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestPausedLeaderIsGivenUpOnce: the kernel of a paused broker takes connections and requests. Neither metadata is asked of
// it nor the batch sent to it again, while another broker leads.
func TestPausedLeaderIsGivenUpOnce(t *testing.T) {
	t.Parallel()
	for try := range 4 { // which broker is asked for metadata is a matter of chance
		t.Run(strconv.Itoa(try), func(t *testing.T) {
			t.Parallel()
			testPausedLeader(t)
		})
	}
}

func testPausedLeader(t *testing.T) {
	c := fakeCluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "t"))
	paused := &freezer{}
	settings := sinkSettings(c.ListenAddrs())
	settings.ProduceTimeout, settings.RequestOverhead = 100*time.Millisecond, 2*time.Second
	settings.Dial = paused.dial
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "a", 2)
	s.Append(t.Context(), recs[:1], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[0]))

	leader := c.LeaderFor("t", 0)
	paused.pause(c.ListenAddrs()[leader])
	require.NoError(t, c.MoveTopicPartition("t", 0, 1-leader))
	began := time.Now()
	s.Append(t.Context(), recs[1:], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[1]))
	require.Less(t, time.Since(began), settings.ProduceTimeout+2*settings.RequestOverhead, "one time-out")
	require.Zero(t, paused.since(), "connections made to the paused broker")
}

// TestStalledBrokerIsTriedAgain: a broker that goes on is used again.
func TestStalledBrokerIsTriedAgain(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, kfake.SeedTopics(1, "t"))
	paused := &freezer{}
	settings := sinkSettings(c.ListenAddrs())
	settings.ProduceTimeout, settings.RequestOverhead = 100*time.Millisecond, 200*time.Millisecond
	settings.Dial = paused.dial
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "a", 2)
	s.Append(t.Context(), recs[:1], a.done)
	require.Equal(t, []error{nil}, a.wait(recs[0]))

	paused.pause(c.ListenAddrs()[0])
	s.Append(t.Context(), recs[1:], a.done)
	time.Sleep(settings.ProduceTimeout + 2*settings.RequestOverhead)
	paused.pause("")
	require.Equal(t, []error{nil}, a.wait(recs[1]))
	require.Equal(t, []string{"a/0", "a/1"}, values(readAll(t, c.ListenAddrs(), "t", 2)))
}

// A freezer dials, and lets brokers look as if they were paused: they take what is sent, and say nothing.
type freezer struct {
	mu      sync.Mutex // guards what follows
	address string
	dialled int // since it is paused
}

func (p *freezer) pause(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.address, p.dialled = address, 0
}

func (p *freezer) since() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialled
}

func (p *freezer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	if address == p.address {
		p.dialled++
	}
	p.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &pausedConn{Conn: conn, by: p, address: address}, err
}

type pausedConn struct {
	net.Conn
	by      *freezer
	address string
}

// Write loses what a paused broker is sent.
func (c *pausedConn) Write(b []byte) (int, error) {
	c.by.mu.Lock()
	paused := c.by.address == c.address
	c.by.mu.Unlock()
	if paused {
		return len(b), nil
	}
	return c.Conn.Write(b)
}
