package stream_test

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// chunkLog is a Backend of one stream that stores records in slices, so that tests can look at chunks and place them.
type chunkLog struct {
	caps  stream.Capabilities
	fail  func(*stream.Record) (stored bool, err error) // nil: all are stored
	place func(*stream.Record) int                      // nil: by key
	slow  bool                                          // answers wait for answer
	ended bool                                          // partitions are at their end

	mu      sync.Mutex // guards what follows
	parts   [][]stream.Record
	saved   map[string]stream.Checkpoint
	waiting []func()
	commits int
	changed chan struct{} // closed and replaced when something is stored
}

const innerLimit = 2000

func newChunkLog(partitions int) *chunkLog {
	native := stream.Flag{Support: stream.Native, Source: stream.Declared}
	return &chunkLog{
		caps: stream.Capabilities{
			PartitionOrder: native, KeyOrder: native, NilKeys: native, Headers: native, EventTime: native,
			MaxRecordBytes: stream.Limit{Value: innerLimit, Source: stream.Declared}, Partitions: partitions,
		},
		parts: make([][]stream.Record, partitions), saved: map[string]stream.Checkpoint{}, changed: make(chan struct{}),
	}
}

func (l *chunkLog) Capabilities(_ context.Context, name string) (stream.Capabilities, error) {
	if name != "quakes" {
		return stream.Capabilities{}, stream.ErrNotFound
	}
	return l.caps, nil
}

func (l *chunkLog) OpenSink(_ context.Context, c stream.SinkConfig) (stream.Sink, error) {
	if c.Transactions {
		return &chunkLogTxSink{chunkLogSink{log: l}}, nil
	}
	return &chunkLogSink{log: l}, nil
}

func (l *chunkLog) OpenSource(_ context.Context, c stream.SourceConfig) (stream.Source, error) {
	return &chunkLogSource{log: l, config: c}, nil
}

func (l *chunkLog) Close() error { return nil }

// put stores records as they are and returns the last one's position.
func (l *chunkLog) put(partition int, recs ...stream.Record) (last stream.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range recs {
		last = at(uint64(10 * (len(l.parts[partition]) + 1)))
		r.Position, r.Partition = last, strconv.Itoa(partition)
		l.parts[partition] = append(l.parts[partition], r)
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return last
}

func (l *chunkLog) stored(partition int) []stream.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.parts[partition])
}

// answer runs the answers that wait.
func (l *chunkLog) answer() {
	l.mu.Lock()
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

type chunkLogSink struct{ log *chunkLog }

func (s *chunkLogSink) Append(_ context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	for _, r := range recs {
		ack, err := s.log.append(r)
		if !s.log.slow {
			done(ack, err)
			continue
		}
		s.log.mu.Lock()
		s.log.waiting = append(s.log.waiting, func() { done(ack, err) })
		s.log.mu.Unlock()
	}
}

func (l *chunkLog) append(r *stream.Record) (stream.Ack, error) {
	ack := stream.Ack{Record: r}
	stored, err := true, error(nil)
	if l.fail != nil {
		stored, err = l.fail(r)
	}
	if !stored {
		return ack, err
	}
	partition := int(crc32.ChecksumIEEE(r.Key)) % len(l.parts)
	if l.place != nil {
		partition = l.place(r)
	}
	kept := *r
	kept.Key, kept.Value, kept.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	ack.Partition, ack.Position = strconv.Itoa(partition), l.put(partition, kept)
	return ack, err
}

func (s *chunkLogSink) Flush(context.Context) error { return nil }
func (s *chunkLogSink) Close(context.Context) error { return nil }

type chunkLogTxSink struct{ chunkLogSink }

func (s *chunkLogTxSink) Begin(context.Context) (stream.SinkTx, error) {
	return &chunkLogTx{log: s.log}, nil
}

type chunkLogTx struct {
	log  *chunkLog
	recs []*stream.Record
	done []func(stream.Ack, error)
}

func (t *chunkLogTx) Append(_ context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	for _, r := range recs {
		t.recs, t.done = append(t.recs, r), append(t.done, done)
	}
}

func (t *chunkLogTx) Commit(ctx context.Context, c stream.Claim, to stream.Checkpoint) error {
	for i, r := range t.recs {
		ack, err := t.log.append(r)
		t.done[i](ack, err)
	}
	t.log.commits++
	if c == nil {
		return nil
	}
	return c.(*chunkLogClaim).Checkpoint(ctx, to)
}

func (t *chunkLogTx) Abort(context.Context) error {
	for i, r := range t.recs {
		t.done[i](stream.Ack{Record: r}, stream.ErrInvalid)
	}
	t.recs = nil
	return nil
}

// A chunkLogSource grants each partition once.
type chunkLogSource struct {
	log     *chunkLog
	config  stream.SourceConfig
	granted int
}

func (s *chunkLogSource) Next(ctx context.Context) (stream.Claim, error) {
	if s.granted == len(s.log.parts) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	partition := strconv.Itoa(s.granted)
	s.granted++
	saved := s.log.saved[partition]
	return &chunkLogClaim{
		log: s.log, partition: s.granted - 1, after: saved.Position,
		asked: make(chan struct{}), lost: make(chan struct{}), saved: saved,
	}, nil
}

func (s *chunkLogSource) Close(context.Context) error { return nil }

type chunkLogClaim struct {
	log         *chunkLog
	partition   int
	saved       stream.Checkpoint
	after       stream.Position
	asked, lost chan struct{}
	finished    bool
}

func (c *chunkLogClaim) Hold() stream.Hold {
	return stream.Hold{
		Stream: "quakes", Partition: strconv.Itoa(c.partition), Saved: c.saved, Asked: c.asked, Lost: c.lost,
	}
}

func (c *chunkLogClaim) Seek(_ context.Context, after stream.Position) error {
	c.after = after
	return nil
}

func (c *chunkLogClaim) Fetch(ctx context.Context, into []stream.Record) (int, error) {
	for {
		c.log.mu.Lock()
		n := 0
		for _, r := range c.log.parts[c.partition] {
			if n < len(into) && r.Position.Compare(c.after) > 0 {
				into[n] = r
				n++
			}
		}
		changed, ended := c.log.changed, c.log.ended
		c.log.mu.Unlock()
		if n > 0 {
			c.after = into[n-1].Position
			return n, nil
		}
		if ended {
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-c.asked:
			return 0, io.EOF
		case <-c.lost:
			return 0, stream.ErrLost
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (c *chunkLogClaim) Checkpoint(_ context.Context, to stream.Checkpoint) error {
	if to.Position.Compare(c.after) > 0 {
		return stream.ErrInvalid // it was not delivered
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.saved[strconv.Itoa(c.partition)] = to
	return nil
}

func (c *chunkLogClaim) Release(_ context.Context, finished bool) error {
	c.finished = finished
	return nil
}

// chunkReader is a claim with what it was seen to do.
type chunkReader struct {
	stream.Claim
	log    *chunkLog
	mu     sync.Mutex // guards what follows
	events []stream.Event
}

// read claims the log's partition 0.
func (l *chunkLog) read(t testing.TB, chunking stream.Chunking, c stream.SourceConfig) *chunkReader {
	t.Helper()
	r := &chunkReader{log: l}
	c.Streams = []string{"quakes"}
	c.Observe = func(e stream.Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}
	source, err := stream.Chunked(l, chunking).OpenSource(t.Context(), c)
	require.NoError(t, err)
	r.Claim, err = source.Next(t.Context())
	require.NoError(t, err)
	return r
}

// fetch returns what the claim delivers before it waits for more. It runs in a bubble, where a wait ends at once.
func (r *chunkReader) fetch(t *testing.T) (recs []stream.Record) {
	t.Helper()
	into := make([]stream.Record, 3)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		n, err := r.Fetch(ctx, into)
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return recs
		}
		recs = append(recs, into[:n]...)
	}
}

// skips returns the positions of what was given up, and fails if an event says anything else.
func (r *chunkReader) skips(t testing.TB) (at []stream.Position) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		require.Equal(t, stream.EventSkipped, e.Kind)
		require.ErrorIs(t, e.Err, stream.ErrCorrupt)
		require.Equal(t, "quakes/0", e.Stream+"/"+e.Partition)
		at = append(at, e.Position)
	}
	return at
}

func (l *chunkLog) sink(t testing.TB, chunking stream.Chunking) stream.Sink {
	t.Helper()
	s, err := stream.Chunked(l, chunking).OpenSink(t.Context(), stream.SinkConfig{Streams: []string{"quakes"}})
	require.NoError(t, err)
	return s
}

// send appends one record and returns its answer, which the log gives at once.
func send(t testing.TB, s stream.Sink, r *stream.Record) (ack stream.Ack, err error) {
	t.Helper()
	calls := 0
	s.Append(t.Context(), []*stream.Record{r}, func(a stream.Ack, e error) {
		calls++
		ack, err = a, e
	})
	require.Equal(t, 1, calls, "done runs exactly once")
	require.Same(t, r, ack.Record)
	return ack, err
}

// value makes n bytes that tell the seed.
func value(seed byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i*7)
	}
	return b
}

// chunks returns a record as a sink of its own would store it: count chunks.
func chunks(t testing.TB, key string, seed byte, count int) []stream.Record {
	t.Helper()
	l := newChunkLog(1)
	_, err := send(t, l.sink(t, stream.Chunking{}), large(key, seed, count))
	require.NoError(t, err)
	require.Len(t, l.stored(0), count)
	return l.stored(0)
}

// large is a record that needs count chunks of the log's limit.
func large(key string, seed byte, count int) *stream.Record {
	return &stream.Record{Stream: "quakes", Key: []byte(key), Value: value(seed, 1400*count)}
}

func small(key, value string) stream.Record {
	return stream.Record{Stream: "quakes", Key: []byte(key), Value: []byte(value)}
}
