package tcpfault_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/tcpfault"
)

// patience ends a read that would wait for ever if a test fails.
const patience = 20 * time.Second

// server answers each framed request with its correlation id and payload.
type server struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu   sync.Mutex // guards what follows
	keys []int16    // of the requests that arrived, in order
	open []net.Conn
}

// through starts a server and a proxy before it.
func through(t *testing.T) (*server, *tcpfault.Proxy) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{listener: listener}
	s.wg.Go(s.accept)
	t.Cleanup(s.close)
	p, err := tcpfault.Listen(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return s, p
}

func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open = append(s.open, conn)
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(conn) })
	}
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	for {
		key, id, payload, err := readRequest(conn)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.keys = append(s.keys, key)
		s.mu.Unlock()
		if string(payload) == "no answer" {
			continue
		}
		if _, err := conn.Write(frame(binary.BigEndian.AppendUint32(nil, id), payload)); err != nil {
			return
		}
	}
}

func (s *server) seen() []int16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

func (s *server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	open := slices.Clone(s.open)
	s.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
	s.wg.Wait()
}

func frame(head, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(head)+len(payload)))
	return append(append(b, head...), payload...)
}

func request(key int16, id uint32, payload string) []byte {
	head := binary.BigEndian.AppendUint16(nil, uint16(key))
	head = binary.BigEndian.AppendUint16(head, 1)
	return frame(binary.BigEndian.AppendUint32(head, id), []byte(payload))
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, body)
	return body, err
}

func readRequest(r io.Reader) (key int16, id uint32, payload []byte, err error) {
	body, err := readFrame(r)
	if err != nil {
		return 0, 0, nil, err
	}
	if len(body) < 8 {
		return 0, 0, nil, errors.New("short request")
	}
	return int16(binary.BigEndian.Uint16(body)), binary.BigEndian.Uint32(body[4:]), body[8:], nil
}

// client is one connection through a proxy.
type client struct {
	t    *testing.T
	conn net.Conn
	id   uint32
}

func dial(t *testing.T, p *tcpfault.Proxy) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", p.Addr(), patience)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return &client{t: t, conn: conn}
}

func (c *client) send(key int16, payload string) {
	c.t.Helper()
	c.id++
	_, err := c.conn.Write(request(key, c.id, payload))
	require.NoError(c.t, err)
}

// receive reads an answer.
func (c *client) receive() (string, error) {
	body, err := readFrame(c.conn)
	if err != nil {
		return "", err
	}
	return string(body[4:]), nil
}

// call sends a request and reads the answer to it.
func (c *client) call(key int16, payload string) (string, error) {
	c.t.Helper()
	c.send(key, payload)
	return c.receive()
}

func (c *client) works(key int16, payload string) {
	c.t.Helper()
	answer, err := c.call(key, payload)
	require.NoError(c.t, err)
	require.Equal(c.t, payload, answer)
}

// silent is whether nothing arrives within a while.
func (c *client) silent() bool {
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := c.conn.Read(make([]byte, 1))
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(patience)))
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
