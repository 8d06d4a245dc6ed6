package kafkago

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// metadataTTL is after what time, at most, a Transport asks where partitions are. It cannot be asked to do so earlier, and
// gives brokers as long to answer, so that less would not serve brokers that are slow. By it a leader that has moved costs
// 0.1 to 1.4 s.
const metadataTTL = time.Second

// maxClientID bounds the client id, in bytes.
const maxClientID = 256

// lines are the connections of one producer, fetcher, member or client. They are made by kafka-go's Transports, one for a
// set of topics, since a Transport asks for the metadata of all topics unless it is told which. All connections are known,
// so that close ends what a broker keeps waiting.
type lines struct {
	settings engine.Settings
	id       string // client id
	base     context.Context
	cancel   context.CancelFunc
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	sasl     saslMechanism // nil: none

	mu     sync.Mutex // guards what follows
	used   *segmentio.Transport
	topics []string // of used, sorted
	open   map[*line]struct{}
	closed bool
}

func newLines(s engine.Settings, member string) (*lines, error) {
	id := s.ClientID
	if member != "" {
		id += "-" + member
	}
	l := &lines{settings: s, id: id[:min(len(id), maxClientID)], dial: dialer(s), open: map[*line]struct{}{}}
	if s.SASL != nil {
		m, err := mechanism(*s.SASL)
		if err != nil {
			return nil, err
		}
		l.sasl = m
	}
	l.base, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

// seeds are the brokers of the configuration.
func (l *lines) seeds() net.Addr { return segmentio.TCP(l.settings.Brokers...) }

// transport returns a Transport that knows at least these topics. One that knows more replaces the one before, whose
// connections end when they are idle.
func (l *lines) transport(topics []string) *segmentio.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := slices.Clone(l.topics)
	for _, t := range topics {
		if !slices.Contains(more, t) {
			more = append(more, t)
		}
	}
	if l.used != nil && len(more) == len(l.topics) {
		return l.used
	}
	if l.used != nil {
		l.used.CloseIdleConnections()
	}
	slices.Sort(more)
	l.topics = more
	l.used = &segmentio.Transport{
		Dial: l.connect, DialTimeout: l.settings.RequestOverhead, ClientID: l.id, SASL: l.sasl, Context: l.base,
		MetadataTTL: metadataTTL, MetadataTopics: more,
	}
	return l.used
}

// connect dials, and notes the connection.
func (l *lines) connect(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &line{Conn: raw, lines: l}
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.open[c] = struct{}{}
	}
	l.mu.Unlock()
	if closed {
		return nil, errors.Join(net.ErrClosed, raw.Close())
	}
	return c, nil
}

// close ends all connections and what waits for them.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	used, open := l.used, l.open
	l.open = map[*line]struct{}{}
	l.mu.Unlock()
	l.cancel()
	if used != nil {
		used.CloseIdleConnections()
	}
	for c := range open {
		_ = c.Conn.Close()
	}
}

// A line is a connection.
type line struct {
	net.Conn
	lines *lines
}

// Close closes the connection and forgets it.
func (c *line) Close() error {
	c.lines.mu.Lock()
	delete(c.lines.open, c)
	c.lines.mu.Unlock()
	return c.Conn.Close()
}
