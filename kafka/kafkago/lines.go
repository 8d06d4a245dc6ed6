package kafkago

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// metadataTTL is after what time, at most, a Transport asks where partitions are. It cannot be asked to do so earlier, and
// gives brokers as long to answer, so that less would not serve brokers that are slow. By it a leader that has moved costs
// 0.1 to 1.4 s.
const metadataTTL = time.Second

// nativeTTL is kafka-go's default of metadataTTL, for a Transport that asks for all topics.
const nativeTTL = 6 * time.Second

// maxClientID bounds the client id, in bytes.
const maxClientID = 256

// closePatience is how long close waits for kafka-go to notice that its connections have ended.
const closePatience = 5 * time.Second

// lines are the connections of one producer, fetcher, member or client. They are made by kafka-go's Transports, one for a
// set of topics, since a Transport asks for the metadata of all topics unless it is told which, and by ask. All
// connections are known, so that close ends what a broker keeps waiting. A request by a Transport needs a context that
// ends before the lines do: where a Transport has never had an answer nothing else ends it.
type lines struct {
	settings engine.Settings
	id       string // client id
	base     context.Context
	cancel   context.CancelFunc
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	sasl     saslMechanism // nil: none

	mu      sync.Mutex             // guards what follows
	made    []*segmentio.Transport // the last is in use
	topics  []string               // that it knows, sorted
	lent    *segmentio.Transport   // by native; nil: nobody asked
	open    map[*line]struct{}     // every connection
	dialing int                    // connections that are being made
	closed  bool
	ended   chan struct{}            // closed when closed is set and nothing is open or being made
	unused  []*direct                // connections of ask, by the time of their last use
	lanes   map[string]chan struct{} // by a broker's address
	known   []string                 // brokers that brokers told of
	turn    int                      // of the broker that ask tries first
}

func newLines(s engine.Settings, member string) (*lines, error) {
	id := s.ClientID
	if member != "" {
		id += "-" + member
	}
	l := &lines{
		settings: s, id: id[:min(len(id), maxClientID)], dial: dialer(s), open: map[*line]struct{}{},
		ended: make(chan struct{}), lanes: map[string]chan struct{}{},
	}
	if s.SASL != nil {
		m, err := mechanism(*s.SASL, s.RequestOverhead)
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
	used, replaced := l.knowing(topics)
	for _, t := range replaced {
		t.CloseIdleConnections()
	}
	return used
}

// mostReplaced bounds the Transports that are remembered although nobody gets them any more: each has its own topics' names.
const mostReplaced = 8

// knowing also returns all that were replaced if one more was: a request may have opened one again that was closed then.
func (l *lines) knowing(topics []string) (used *segmentio.Transport, replaced []*segmentio.Transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := append([]string{}, l.topics...) // nil would be all topics
	for _, t := range topics {
		if !slices.Contains(more, t) {
			more = append(more, t)
		}
	}
	if n := len(l.made); n > 0 && len(more) == len(l.topics) {
		return l.made[n-1], nil
	}
	slices.Sort(more)
	replaced, l.topics = l.made, more
	kept := l.made[max(0, len(l.made)-mostReplaced):]
	l.made = append(slices.Clone(kept), l.newTransport(more))
	return l.made[len(l.made)-1], replaced
}

// newTransport makes a Transport that asks for the metadata of topics; nil is all.
func (l *lines) newTransport(topics []string) *segmentio.Transport {
	return &segmentio.Transport{
		Dial: l.ready, DialTimeout: connectTime(l.settings), ClientID: l.id, Context: l.base,
		MetadataTTL: metadataTTL, MetadataTopics: topics,
	}
}

// native is a client for others. Its Transport knows all topics, since one that is told which cannot be told of others, and
// asks for them every nativeTTL at most, from its first use on.
func (l *lines) native() *segmentio.Client {
	t := l.newTransport(nil)
	t.MetadataTTL = nativeTTL
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lent = t
	return &segmentio.Client{Addr: l.seeds(), Timeout: l.settings.RequestOverhead, Transport: t}
}

// connect dials until ctx or the lines end, and notes the connection.
func (l *lines) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if !l.begin() {
		return nil, fmt.Errorf("%w: dial %s", stream.ErrClosed, address)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.base, cancel)()
	raw, err := l.dial(ctx, network, address)
	if err != nil {
		if !l.dialled(nil) {
			err = fmt.Errorf("%w: %w", stream.ErrClosed, err)
		}
		return nil, err
	}
	c := &line{Conn: raw, lines: l, frames: frames{most: l.settings.ReadBytes}}
	if !l.dialled(c) {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: dial %s", stream.ErrClosed, address)
	}
	return c, nil
}

// begin says that a connection is being made.
func (l *lines) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.dialing++
	return true
}

// dialled says that it is made, or, with nil, that it will not be. It reports whether the lines are open.
func (l *lines) dialled(c *line) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialing--
	if c != nil && !l.closed {
		l.open[c] = struct{}{}
	}
	l.checkEnded()
	return !l.closed
}

// gone forgets a connection.
func (l *lines) gone(c *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.open[c]; ok {
		delete(l.open, c)
		l.checkEnded()
	}
}

// checkEnded tells close that nothing is left. The caller holds l.mu.
func (l *lines) checkEnded() {
	if !l.closed || l.dialing > 0 || len(l.open) > 0 {
		return
	}
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
}

// close ends all connections and what waits for them. It waits until their users, which are goroutines of kafka-go, have
// closed them too, so that none of these is left.
func (l *lines) close() {
	l.cut()
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-l.ended:
	case <-timer.C:
	}
}

// cut is close that does not wait.
func (l *lines) cut() {
	l.mu.Lock()
	l.closed = true
	made, unused := slices.Clone(l.made), l.unused
	if l.lent != nil {
		made = append(made, l.lent)
	}
	l.unused = nil
	open := make([]*line, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.checkEnded()
	l.mu.Unlock()
	l.cancel()
	for _, t := range made {
		t.CloseIdleConnections()
	}
	hangUp(unused)
	for _, c := range open {
		_ = c.Conn.Close()
	}
}

// A line is a connection.
type line struct {
	net.Conn
	lines  *lines
	frames frames
}

// Read reads what brokers send.
func (c *line) Read(p []byte) (int, error) { return c.frames.read(c.Conn, p) }

// Close closes the connection and forgets it.
func (c *line) Close() error {
	defer c.lines.gone(c)
	return c.Conn.Close()
}
