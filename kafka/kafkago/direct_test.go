package kafkago

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// openLines opens lines until the test is over.
func openLines(t testing.TB, addresses []string, changes ...func(*engine.Settings)) *lines {
	t.Helper()
	s := sinkSettings(addresses)
	for _, change := range changes {
		change(&s)
	}
	l, err := newLines(s, "")
	require.NoError(t, err)
	t.Cleanup(l.close)
	return l
}

// listening accepts until the test is over, and serves each connection by a function.
func listening(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards open
		open []net.Conn
	)
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return listener.Addr().String()
}

// silent takes requests and answers none.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// answering answers each request with these bytes.
func answering(answer []byte) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

func TestAConnectionThatTheBrokerClosedIsReplaced(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	l := openLines(t, fake.ListenAddrs())
	question := &metadata.Request{TopicNames: []string{"orders"}}
	_, err := l.ask(t.Context(), "", question)
	require.NoError(t, err)
	cut := func(n int32, _ kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("cut"), n == 1 }
	asked := watch(fake, kmsg.Metadata, cut)
	_, err = l.ask(t.Context(), "", question)
	require.NoError(t, err)
	require.EqualValues(t, 2, asked.Load())

	written := watch(fake, kmsg.OffsetCommit, cut)
	_, err = l.ask(t.Context(), "", &offsetcommit.Request{GroupID: "billing"})
	require.Error(t, err)
	require.NotErrorIs(t, err, errUnsent, "it may have been done")
	require.EqualValues(t, 1, written.Load(), "a write was sent again")
}

func TestAnotherBrokerIsAskedForOneThatDoesNotAnswer(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	for name, dead := range map[string]string{"gone": "127.0.0.1:1", "silent": listening(t, silent)} {
		t.Run(name, func(t *testing.T) {
			l := openLines(t, append([]string{dead}, fake.ListenAddrs()...), func(s *engine.Settings) {
				s.RequestOverhead = 200 * time.Millisecond
			})
			for range 2 {
				answer, err := l.ask(t.Context(), "", &metadata.Request{TopicNames: []string{"orders"}})
				require.NoError(t, err)
				require.Len(t, answer.(*metadata.Response).Topics, 1)
			}
			require.Equal(t, 1, l.turn, "the dead broker was asked again")
			_, err := l.ask(t.Context(), dead, &metadata.Request{})
			require.ErrorIs(t, err, errUnsent)
			require.ErrorContains(t, mapped(err), "broker")
		})
	}
}

func TestBrokersThatWereToldOfAreAskedToo(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(2))
	seed := fake.ListenAddrs()[0]
	lost := make(chan struct{})
	l := openLines(t, []string{seed}, func(s *engine.Settings) {
		s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-lost:
				if address == seed {
					return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
				}
			default:
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	_, err := l.ask(t.Context(), "", &metadata.Request{TopicNames: []string{}})
	require.NoError(t, err)
	close(lost)
	l.forget(seed)
	_, err = l.ask(t.Context(), "", &metadata.Request{TopicNames: []string{}})
	require.NoError(t, err)
}

func TestAskEndsWithItsContext(t *testing.T) {
	l := openLines(t, []string{listening(t, silent)}, func(s *engine.Settings) { s.RequestOverhead = time.Hour })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := l.ask(ctx, "", &metadata.Request{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, errUnsent)
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = l.ask(ctx, "", &metadata.Request{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer []byte
		is     error
	}{
		"too long":         {[]byte{0x7f, 0xff, 0xff, 0xff}, stream.ErrCorrupt},
		"negative":         {[]byte{0xff, 0xff, 0xff, 0xff}, stream.ErrCorrupt},
		"too short":        {[]byte{0, 0, 0, 2, 0, 0}, stream.ErrCorrupt},
		"another's":        {append([]byte{0, 0, 0, 10, 0, 0, 0, 99}, make([]byte, 6)...), stream.ErrCorrupt},
		"a TLS alert":      {[]byte{0x15, 0x03, 0x03, 0, 2, 2, 70}, stream.ErrInvalid},
		"no known version": {append([]byte{0, 0, 0, 10, 0, 0, 0, 1}, make([]byte, 6)...), stream.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLines(t, []string{listening(t, answering(c.answer))})
			_, err := l.ask(t.Context(), "", &metadata.Request{})
			require.ErrorIs(t, err, c.is)
			require.ErrorIs(t, err, errUnsent)
		})
	}
}

// tally counts the connections that are open at a time.
type tally struct {
	mu         sync.Mutex // guards what follows
	open, most int
}

func (d *tally) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	d.most = max(d.most, d.open)
	return &tallied{Conn: conn, of: d}, nil
}

func (d *tally) counts() (open, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open, d.most
}

type tallied struct {
	net.Conn
	of     *tally
	closed sync.Once
}

func (c *tallied) Close() error {
	c.closed.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.open--
	})
	return c.Conn.Close()
}

func TestConnectionsToABrokerAreBounded(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders"))
	var conns tally
	l := openLines(t, fake.ListenAddrs(), func(s *engine.Settings) { s.Dial = conns.dial })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := l.ask(t.Context(), "", &metadata.Request{TopicNames: []string{"orders"}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	open, most := conns.counts()
	require.LessOrEqual(t, most, lanes)
	require.LessOrEqual(t, open, lanes)
	require.NotZero(t, open, "none is kept")
	l.close()
	open, _ = conns.counts()
	require.Zero(t, open)
}

func TestASessionIsNotUsedBeyondItsEnd(t *testing.T) {
	now := time.Now()
	require.True(t, (&direct{used: now}).isFresh(now))
	require.False(t, (&direct{used: now}).isFresh(now.Add(idleAge)))
	require.True(t, (&direct{used: now, ends: now.Add(time.Second)}).isFresh(now))
	require.False(t, (&direct{used: now, ends: now.Add(time.Second)}).isFresh(now.Add(time.Second)))
}
