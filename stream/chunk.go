package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Chunking says how Chunked splits and joins. The zero value works.
type Chunking struct {
	// ChunkBytes is the largest value that is stored whole, and the largest piece of one that is not. Default: what
	// the stream's own MaxRecordBytes leaves beside key and headers; a stream without that limit is then not chunked.
	ChunkBytes int64
	// MaxRecordBytes bounds key, value and headers of a record that is stored in chunks; default 16 MiB. A reader
	// refuses a record whose value is over its own bound with ErrTooLarge and stops: skipping it would lose an
	// acknowledged record.
	MaxRecordBytes int64
	// MaxPending bounds the half assembled records of a partition; default 64. It must be more than the number of
	// producers that write large records to one partition at a time.
	MaxPending int
	// MaxHeldBytes bounds what a claim keeps in memory: the pieces of half assembled records and the records behind
	// the oldest of them; default 4 × MaxRecordBytes. Beyond it the oldest half assembled record is given up.
	MaxHeldBytes int64
	// MaxAge is how long a claim waits for the rest of a record, counted from when it read the first chunk; default 2
	// min. It must be longer than the producers' DeliveryTimeout.
	MaxAge time.Duration
}

// Chunked returns a Backend over b that stores values above b's limit as several records of one key, chunks, and
// delivers them as one. Records that fit pass untouched.
//
// A record stands where its first chunk stands: that is its Position, and Ack.Position. A claim delivers records in
// that order. While the oldest record is half assembled, what follows it is held back, so that a checkpoint of a
// delivered record never passes a half assembled one, and position, state and transactions mean what they mean
// without chunks: nothing is delivered twice that would not be without them. The price is that one slow large record
// delays its partition, and MaxHeldBytes of memory a claim.
//
// A half assembled record is given up, with an EventSkipped whose Err Is ErrCorrupt, when its rest can never come or
// is over a bound: a chunk is missing or fails the checksum (CRC-32C of the whole value), its producer has gone on to
// a later record, MaxAge has passed, MaxPending or MaxHeldBytes is exceeded, or the partition has ended. A reading of
// a group up to an End that cuts a record in two fails instead, and the next reading delivers the record. Chunks
// without a beginning are dropped without an event: the record stands before the place where the reading began, or
// its producer was told that it failed. Repeated chunks are dropped.
//
// The sink has at most one large record of a key under way: Append of that key's next record waits until its done has
// returned or ctx ends. If one chunk fails the record has failed, and readers give up what was stored of it as soon
// as the producer's next large record reaches them. A large record without key gets a key of its own for its chunks
// and is delivered without key. If the stream's partitions change while the chunks are stored, so that they stand in
// two, the record has failed and may be sent again.
//
// Chunks need a stream that keeps headers and key order and is not compacted: else OpenSink is ErrUnsupported for the
// streams that SinkConfig names, and Append for large records to others. Headers that begin with "streamport.chunk."
// are reserved: Append refuses a record that has one with ErrInvalid. A consumer with an external Checkpointer is
// ErrUnsupported. Lag counts chunks, not records; it is 0 when all is done. A Chunking that contradicts itself is
// ErrInvalid at every method. Closing the Backend closes b.
func Chunked(b Backend, c Chunking) Backend {
	c, err := c.complete()
	return &chunkBackend{inner: b, chunking: c, bad: err, plans: map[string]chunkPlan{}}
}

// Defaults of Chunking.
const (
	defaultChunkRecord  = 16 << 20
	defaultChunkPending = 64
	defaultChunkAge     = 2 * time.Minute
)

// complete checks c and fills in its defaults.
func (c Chunking) complete() (Chunking, error) {
	var errs []error
	if c.ChunkBytes < 0 || c.MaxRecordBytes < 0 || c.MaxPending < 0 || c.MaxHeldBytes < 0 || c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("%w: a bound of Chunking is negative", ErrInvalid))
	}
	if 0 < c.ChunkBytes && c.ChunkBytes < minChunk {
		errs = append(errs, fmt.Errorf("%w: ChunkBytes %d, at least %d", ErrInvalid, c.ChunkBytes, minChunk))
	}
	if c.MaxRecordBytes == 0 {
		c.MaxRecordBytes = max(defaultChunkRecord, c.ChunkBytes)
	}
	if c.MaxPending == 0 {
		c.MaxPending = defaultChunkPending
	}
	if c.MaxHeldBytes == 0 {
		c.MaxHeldBytes = 4 * c.MaxRecordBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultChunkAge
	}
	if c.MaxRecordBytes < c.ChunkBytes {
		errs = append(errs, fmt.Errorf("%w: MaxRecordBytes %d is less than ChunkBytes %d",
			ErrInvalid, c.MaxRecordBytes, c.ChunkBytes))
	}
	if c.MaxHeldBytes < c.MaxRecordBytes {
		errs = append(errs, fmt.Errorf("%w: MaxHeldBytes %d is less than MaxRecordBytes %d",
			ErrInvalid, c.MaxHeldBytes, c.MaxRecordBytes))
	}
	return c, errors.Join(errs...)
}

type chunkBackend struct {
	inner    Backend
	chunking Chunking
	bad      error // why chunking can never work

	mu    sync.Mutex // guards what follows
	plans map[string]chunkPlan
}

// maxChunkPlans bounds the streams whose plans are remembered; beyond it all are asked for again.
const maxChunkPlans = 4096

func (b *chunkBackend) Capabilities(ctx context.Context, stream string) (Capabilities, error) {
	if b.bad != nil {
		return Capabilities{}, wrap("capabilities", stream, "", b.bad)
	}
	c, err := b.inner.Capabilities(ctx, stream)
	if err != nil {
		return Capabilities{}, err
	}
	plan := planChunks(c, b.chunking)
	b.remember(stream, plan)
	c.MaxRecordBytes = plan.limit(c.MaxRecordBytes)
	return c, nil
}

// plan asks the inner backend once for each stream; every later call of Capabilities renews what is remembered.
func (b *chunkBackend) plan(ctx context.Context, stream string) (chunkPlan, error) {
	b.mu.Lock()
	plan, ok := b.plans[stream]
	b.mu.Unlock()
	if ok {
		return plan, nil
	}
	c, err := b.inner.Capabilities(ctx, stream)
	if err != nil {
		return chunkPlan{}, err
	}
	plan = planChunks(c, b.chunking)
	b.remember(stream, plan)
	return plan, nil
}

func (b *chunkBackend) remember(stream string, plan chunkPlan) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.plans) >= maxChunkPlans {
		clear(b.plans)
	}
	b.plans[stream] = plan
}

func (b *chunkBackend) OpenSink(ctx context.Context, c SinkConfig) (Sink, error) {
	errs := []error{b.bad}
	for _, stream := range c.Streams {
		if b.bad != nil {
			break
		}
		plan, err := b.plan(ctx, stream)
		errs = append(errs, wrap("open sink", stream, "", errors.Join(err, plan.refuse)))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, wrap("open sink", "", "", err)
	}
	inner, err := b.inner.OpenSink(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &chunkSink{backend: b, inner: inner, flights: newChunkFlights()}
	if tx, ok := inner.(TxSink); ok {
		return &chunkTxSink{chunkSink: s, inner: tx}, nil
	}
	return s, nil
}

func (b *chunkBackend) OpenSource(ctx context.Context, c SourceConfig) (Source, error) {
	if b.bad != nil {
		return nil, wrap("open source", "", "", b.bad)
	}
	if c.External {
		return nil, wrap("open source", "", "", unsupported(
			"chunked streams keep checkpoints in the backend; leave out the Checkpointer, or read without Chunked"))
	}
	inner, err := b.inner.OpenSource(ctx, c)
	if err != nil {
		return nil, err
	}
	return &chunkSource{Source: inner, backend: b, config: c}, nil
}

func (b *chunkBackend) Close() error { return b.inner.Close() }

// Lag is the inner backend's, which counts chunks.
func (b *chunkBackend) Lag(
	ctx context.Context, c SourceConfig, at func(stream, partition string) (Position, error),
) ([]Lag, error) {
	r, ok := b.inner.(LagReader)
	if !ok {
		return nil, &Error{Op: "lag", Err: unsupported("the backend under the chunks cannot tell lag")}
	}
	return r.Lag(ctx, c, at)
}

func (b *chunkBackend) EnsureStream(ctx context.Context, s StreamConfig) error {
	return EnsureStream(ctx, b.inner, s)
}

func (b *chunkBackend) Abandon(group, member string) error {
	a, ok := b.inner.(Abandoner)
	if !ok {
		return &Error{Op: "abandon", Err: unsupported("the backend under the chunks cannot let a member die")}
	}
	return a.Abandon(group, member)
}
