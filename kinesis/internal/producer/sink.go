package producer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

const (
	chunk       = 128    // records of one call that are taken at a time
	mostOutlets = 10_000 // streams that one sink writes to
)

// errShut is why records fail that Close could not wait for.
var errShut = fmt.Errorf("%w while the record was on its way", stream.ErrClosed)

// errAuto is why a producer that keeps order takes nothing more.
var errAuto = fmt.Errorf("%w: the stream's record distribution strategy is AUTO, which ignores keys, so the order of a key's "+
	"records cannot be kept; set the strategy to USER_PARTITION_KEY, or produce with mode unordered", stream.ErrUnsupported)

// A Sink is a stream.Sink for Kinesis. Methods may be called from many goroutines.
type Sink struct {
	service  api.Service
	settings settings.Settings
	config   stream.SinkConfig
	probe    Probe
	sealer   aggregate.Sealer
	space    *space
	epoch    time.Time
	last     atomic.Pointer[outlet] // of the record before: most likely the next one's
	closing  *ending

	mu      sync.Mutex // guards what follows
	outlets map[string]*outlet
	closed  bool
}

// New returns a Sink that has sent nothing yet. What it can never honour is an error that Is stream.ErrUnsupported. The
// caller closes the sink; it does not close the service.
func New(service api.Service, s settings.Settings, c stream.SinkConfig, p Probe) (*Sink, error) {
	if c.Transactions {
		return nil, placed("open sink", "", fmt.Errorf("%w: Kinesis has no transactions; use a Checkpointer in your own database "+
			"for exactly-once effects", stream.ErrUnsupported))
	}
	sink := &Sink{
		service: service, settings: s, config: c, probe: p, epoch: time.Now(), closing: newEnding(),
		sealer:  aggregate.Sealer{Spread: rand.Uint64},
		space:   newSpace(c.BufferedRecords, c.BufferedBytes),
		outlets: make(map[string]*outlet),
	}
	if s.Tags && s.Compression != "" && s.Compression != "none" {
		zip, err := aggregate.NewZip(s.Compression)
		if err != nil {
			return nil, placed("open sink", "", err)
		}
		sink.sealer.Zip = zip
	}
	for _, name := range c.Streams {
		if p.Facts(name).Auto && s.Mode != settings.Unordered {
			return nil, placed("open sink", name, errAuto)
		}
	}
	return sink, nil
}

// Append accepts the records, or answers why not.
func (s *Sink) Append(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
	if len(recs) == 1 {
		var one [1]admission
		s.append(ctx, recs, one[:0], done)
		return
	}
	var many [chunk]admission
	for part := range slices.Chunk(recs, chunk) {
		s.append(ctx, part, many[:0], done)
	}
}

func (s *Sink) append(ctx context.Context, recs []*stream.Record, admitted []admission, done func(stream.Ack, error)) {
	if err := ctx.Err(); err != nil {
		for _, r := range recs {
			done(stream.Ack{Record: r}, placed("append", streamOf(r), err))
		}
		return
	}
	now := s.now()
	for _, r := range recs {
		a, err := s.admit(r, now)
		if err != nil {
			done(stream.Ack{Record: r}, placed("append", streamOf(r), err))
			continue
		}
		admitted = append(admitted, a)
	}
	for len(admitted) > 0 {
		n, waited, err := s.space.enter(ctx, admitted, s.hurry)
		if err != nil {
			refuse(admitted, err, done)
			return
		}
		if waited {
			now = s.now()
		}
		s.accept(admitted[:n], now, done)
		admitted = admitted[n:]
	}
}

// accept hands records to the outlets of their streams.
func (s *Sink) accept(admitted []admission, now int64, done func(stream.Ack, error)) {
	for len(admitted) > 0 {
		o, n := admitted[0].outlet, 1
		for n < len(admitted) && admitted[n].outlet == o {
			n++
		}
		if !o.accept(admitted[:n], now, done) {
			bytes := int64(0)
			for i := range admitted[:n] {
				bytes += min(admitted[i].size, s.space.mostBytes)
			}
			s.space.leave(n, bytes)
			refuse(admitted[:n], stream.ErrClosed, done)
		}
		admitted = admitted[n:]
	}
}

func refuse(admitted []admission, err error, done func(stream.Ack, error)) {
	for i := range admitted {
		r := admitted[i].rec
		done(stream.Ack{Record: r}, placed("append", r.Stream, err))
	}
}

// outlet finds the outlet of a stream, or makes it.
func (s *Sink) outlet(name string) (*outlet, error) {
	if o := s.last.Load(); o != nil && o.name == name {
		return o, nil
	}
	if len(s.config.Streams) > 0 && !slices.Contains(s.config.Streams, name) {
		return nil, fmt.Errorf("%w: the producer was not opened for this stream", stream.ErrUnsupported)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.outlets[name]
	switch {
	case s.closed:
		return nil, stream.ErrClosed
	case o == nil && len(s.outlets) >= mostOutlets:
		return nil, fmt.Errorf("%w: a producer writes to at most %d streams", stream.ErrUnsupported, mostOutlets)
	case o == nil:
		if allow := s.settings.Allow; allow != nil {
			if err := allow(name); err != nil {
				return nil, err
			}
		}
		o = newOutlet(s, name)
		s.outlets[name] = o
	}
	s.last.Store(o)
	return o, nil
}

// all returns the outlets there are.
func (s *Sink) all() []*outlet {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*outlet, 0, len(s.outlets))
	for _, o := range s.outlets {
		all = append(all, o)
	}
	return all
}

// hurry has everything sent that lingers: somebody waits for its space.
func (s *Sink) hurry() {
	for _, o := range s.all() {
		o.unlinger()
	}
}

// Flush waits for every record that was accepted before it, and keeps the sink from lingering meanwhile.
func (s *Sink) Flush(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return placed("flush", "", stream.ErrClosed)
	}
	if err := s.drain(ctx); err != nil {
		return placed("flush", "", err)
	}
	return nil
}

func (s *Sink) drain(ctx context.Context) error {
	var first error
	all := s.all()
	flushes := make([]*flush, len(all))
	for i, o := range all {
		flushes[i] = o.begin()
	}
	for i, o := range all {
		if first == nil {
			select {
			case <-flushes[i].over:
			case <-ctx.Done():
				first = ctx.Err()
			}
		}
		o.end(flushes[i])
	}
	return first
}

// Close waits for every record, and fails the rest when ctx ends: as unknown what is under way.
func (s *Sink) Close(ctx context.Context) error {
	return s.closing.run(func() (err error) {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.space.close()
		all := s.all()
		for _, o := range all {
			o.shut()
		}
		if wrong := s.drain(ctx); wrong != nil {
			err = placed("close", "", wrong)
		}
		for _, o := range all {
			o.stop(errShut)
		}
		for _, o := range all {
			o.wg.Wait()
		}
		return err
	})
}

// now is the time since the sink was made, by the monotonic clock.
func (s *Sink) now() int64 { return int64(time.Since(s.epoch)) }

func streamOf(r *stream.Record) string {
	if r == nil {
		return ""
	}
	return r.Stream
}

// placed adds the place to err, unless it is there.
func placed(op, name string, err error) error {
	var have *stream.Error
	if errors.As(err, &have) {
		return err
	}
	return &stream.Error{Op: op, Stream: name, Err: err}
}
