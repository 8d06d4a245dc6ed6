package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A chunkSource wraps what the inner source grants.
type chunkSource struct {
	Source
	backend *chunkBackend
	config  SourceConfig
}

func (s *chunkSource) Next(ctx context.Context) (Claim, error) {
	inner, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	c := &chunkClaim{inner: inner, backend: s.backend, config: s.config, hold: inner.Hold()}
	c.assembly = newChunkAssembly(s.backend.chunking, c.skipped)
	return c, nil
}

// A chunkClaim joins. Positions are the inner claim's: a record has that of its first chunk.
type chunkClaim struct {
	inner    Claim
	backend  *chunkBackend
	config   SourceConfig
	hold     Hold
	released atomic.Bool
	marks    chunkMarks

	// What follows is Fetch's alone.
	assembly *chunkAssembly
	batch    []Record
	end      error // what Fetch returns when the assembly has nothing left to deliver
}

// chunkBatch is how many records are fetched at a time while one is half assembled.
const chunkBatch = 64

func (c *chunkClaim) Hold() Hold { return c.hold }

func (c *chunkClaim) Seek(ctx context.Context, after Position) error { return c.inner.Seek(ctx, after) }

func (c *chunkClaim) Fetch(ctx context.Context, into []Record) (int, error) {
	for {
		if c.assembly.empty() && c.end == nil {
			n, err := c.inner.Fetch(ctx, into)
			if n, err = c.sift(into, n, err); n > 0 || err != nil {
				return n, err
			}
			continue
		}
		if err := c.usable(ctx); err != nil {
			return 0, err
		}
		if n := c.assembly.pop(into); n > 0 {
			return n, nil
		}
		if c.end != nil {
			return 0, c.end
		}
		if c.assembly.empty() { // what was left had been given up
			continue
		}
		if err := c.fetchMore(ctx); err != nil {
			return 0, err
		}
	}
}

// usable says why records that are held back may not be delivered any more.
func (c *chunkClaim) usable(ctx context.Context) error {
	select {
	case <-c.hold.Lost:
		return c.failed(ErrLost)
	default:
	}
	if c.released.Load() {
		return c.failed(ErrLost)
	}
	return ctx.Err()
}

func (c *chunkClaim) failed(err error) error {
	return wrap("fetch", c.hold.Stream, c.hold.Partition, err)
}

// sift passes what stands before the first chunk, where it is, and takes the rest into the assembly.
func (c *chunkClaim) sift(into []Record, n int, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	plain := 0
	for plain < n && (len(into[plain].Headers) == 0 || !reservedHeader(into[plain].Headers)) {
		plain++
	}
	if plain > 0 {
		c.marks.opened(into[plain-1].Position)
	}
	if plain < n {
		c.take(into[plain:n])
	}
	return plain, nil
}

// take gives records to the assembly, up to one that ends the reading.
func (c *chunkClaim) take(recs []Record) {
	now := time.Now()
	for i := range recs {
		opened, err := c.assembly.push(&recs[i], now)
		if err != nil {
			c.end = c.failed(fmt.Errorf("the record at %v: %w", recs[i].Position, err))
			return
		}
		if opened {
			c.marks.opened(recs[i].Position)
		} else {
			c.marks.followed(recs[i].Position)
		}
	}
	c.assembly.expire(now)
}

// fetchMore waits for the next records, at most until the oldest half assembled one is too old.
func (c *chunkClaim) fetchMore(ctx context.Context) error {
	until, cancel := context.WithDeadline(ctx, c.assembly.deadline())
	defer cancel()
	if c.batch == nil {
		c.batch = make([]Record, chunkBatch)
	}
	n, err := c.inner.Fetch(until, c.batch)
	if err == nil {
		c.take(c.batch[:n])
		clear(c.batch[:n])
		return nil
	}
	tooOld := ctx.Err() == nil && until.Err() != nil && errors.Is(err, context.DeadlineExceeded)
	switch {
	case tooOld:
		c.assembly.expire(time.Now())
		return nil
	case errors.Is(err, io.EOF) && !c.asked():
		c.ended(err)
		return nil
	}
	return err
}

func (c *chunkClaim) asked() bool {
	select {
	case <-c.hold.Asked:
		return true
	default:
		return false
	}
}

// ended decides about the records whose rest is not before the end. Where the end is one that the reading chose, a
// record may be cut that is about to be complete: a group would never read it again once a checkpoint has passed it.
func (c *chunkClaim) ended(eof error) {
	chosen := c.config.Group != "" && c.config.End != Start{}
	if chosen && c.assembly.fresh(time.Now()) {
		c.end = c.failed(errEndCutsRecord)
		return
	}
	c.assembly.abandon()
	c.end = eof
}

// errEndCutsRecord ends a group's reading up to an End before what it would lose.
var errEndCutsRecord = errors.New("the reading's end cuts a record in two; read again later, with a later end")

func (c *chunkClaim) skipped(at Position, size int64, err error) {
	c.config.Observe(Event{
		Kind: EventSkipped, Group: c.config.Group, Member: c.config.Member, Stream: c.hold.Stream,
		Partition: c.hold.Partition, Position: at, Records: 1, Bytes: size, Err: err,
	})
}

func (c *chunkClaim) Checkpoint(ctx context.Context, to Checkpoint) error {
	to.Position = c.marks.raise(to.Position)
	return c.inner.Checkpoint(ctx, to)
}

func (c *chunkClaim) Release(ctx context.Context, finished bool) error {
	c.released.Store(true)
	return c.inner.Release(ctx, finished)
}

// chunkMarks remember which later chunks follow a record without another record's beginning between them: whoever is
// done with the record is done with them, so that a group that has done all has no lag. To forget a mark is harmless.
// Methods may be called from many goroutines.
type chunkMarks struct {
	mu    sync.Mutex // guards what follows
	last  Position   // the last record that began
	marks []chunkMark
}

type chunkMark struct{ began, followed Position }

// maxChunkMarks bounds the marks of records that are not checkpointed.
const maxChunkMarks = 1024

func (m *chunkMarks) opened(at Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = at
}

func (m *chunkMarks) followed(at Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.marks)
	switch {
	case m.last.IsZero(): // chunks of records before the hold
	case n > 0 && m.marks[n-1].began == m.last:
		m.marks[n-1].followed = at
	default:
		if n >= maxChunkMarks {
			m.marks = append(m.marks[:0], m.marks[n/2:]...)
		}
		m.marks = append(m.marks, chunkMark{began: m.last, followed: at})
	}
}

// raise returns up to where the partition is done when the record at p and all before it are.
func (m *chunkMarks) raise(p Position) Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	passed := 0
	for passed < len(m.marks) && m.marks[passed].began.Compare(p) < 0 {
		passed++
	}
	m.marks = append(m.marks[:0], m.marks[passed:]...)
	if len(m.marks) > 0 && m.marks[0].began == p {
		return m.marks[0].followed
	}
	return p
}
