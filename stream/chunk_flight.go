package stream

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"
)

// chunkFlights are a sink's large records under way. Methods may be called from many goroutines.
type chunkFlights struct {
	writer uint64       // names the sink, at random: two sinks never share it
	gates  atomic.Int64 // len(keyed), read without the lock: nearly always 0

	mu    sync.Mutex // guards what follows
	last  uint64
	open  map[uint64]bool
	keyed map[flightKey]*chunkFlight
}

type flightKey struct{ stream, key string }

func newChunkFlights() *chunkFlights {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return &chunkFlights{
		writer: binary.BigEndian.Uint64(b[:]), open: map[uint64]bool{}, keyed: map[flightKey]*chunkFlight{},
	}
}

// await waits until no large record of r's key is under way.
func (f *chunkFlights) await(ctx context.Context, r *Record) error {
	for f.gates.Load() > 0 && r.Key != nil {
		f.mu.Lock()
		before := f.keyed[flightKey{r.Stream, string(r.Key)}]
		f.mu.Unlock()
		if before == nil {
			return nil
		}
		if err := before.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// busy reports whether a large record of r's key is under way.
func (f *chunkFlights) busy(r *Record) bool {
	if f.gates.Load() == 0 || r.Key == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keyed[flightKey{r.Stream, string(r.Key)}] != nil
}

// begin starts the flight of r. With gate, it waits until no other one of r's key is under way.
func (f *chunkFlights) begin(ctx context.Context, r *Record, gate bool, done func(Ack, error)) (*chunkFlight, error) {
	gate = gate && r.Key != nil
	key := flightKey{r.Stream, string(r.Key)}
	for {
		f.mu.Lock()
		before := f.keyed[key]
		if !gate || before == nil {
			break
		}
		f.mu.Unlock()
		if err := before.wait(ctx); err != nil {
			return nil, err
		}
	}
	defer f.mu.Unlock()
	f.last++
	flight := &chunkFlight{flights: f, number: f.last, rec: r, done: done, over: make(chan struct{})}
	f.open[f.last] = true
	if gate {
		flight.gate = &key
		f.keyed[key] = flight
		f.gates.Add(1)
	}
	flight.oldest = f.last
	for number := range f.open {
		flight.oldest = min(flight.oldest, number)
	}
	return flight, nil
}

func (f *chunkFlights) end(flight *chunkFlight) {
	f.mu.Lock()
	delete(f.open, flight.number)
	if flight.gate != nil {
		delete(f.keyed, *flight.gate)
		f.gates.Add(-1)
	}
	f.mu.Unlock()
	close(flight.over)
}

// A chunkFlight is one large record under way. It gathers the answers about the chunks.
type chunkFlight struct {
	flights *chunkFlights
	number  uint64
	oldest  uint64
	gate    *flightKey // nil: nobody waits by key
	rec     *Record
	done    func(Ack, error)
	over    chan struct{} // closed when done has returned

	mu       sync.Mutex // guards what follows
	first    *Record    // the first chunk
	left     int        // chunks that are not answered
	ack      Ack
	answered bool // some chunk was stored: ack.Partition counts
	err      error
}

func (f *chunkFlight) wait(ctx context.Context) error {
	select {
	case <-f.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// generatedKeyBytes is the length of the key that chunks of a record without key get.
const generatedKeyBytes = 32

// split makes the chunks. Their values are parts of the record's value, which stays as it is until done has run.
func (f *chunkFlight) split(p chunkPlan) []*Record {
	r := f.rec
	first, rest := p.pieces(r)
	size := int64(len(r.Value))
	h := chunkHeader{
		id: chunkID{f.flights.writer, f.number}, oldest: f.oldest, sent: time.Now().UnixMilli(), size: size,
		count: uint32(chunkCount(size, first, rest)), sum: chunkSum(0, r.Value), nilKey: r.Key == nil,
	}
	base := Record{Stream: r.Stream, Key: r.Key, Time: r.Time}
	if h.nilKey {
		base.Key = fmt.Appendf(nil, "%016x%016x", h.id.writer, h.id.number)
	}
	if p.times && base.Time.IsZero() {
		base.Time = time.UnixMilli(h.sent) // one time for all, so that a reading by time begins before or after all
	}
	chunks := make([]*Record, h.count)
	for from := int64(0); h.index < h.count; h.index++ {
		chunk := base
		to := min(size, from+rest)
		if h.index == 0 {
			to = first
			chunk.Headers = append(chunk.Headers, r.Headers...)
		}
		chunk.Headers = append(chunk.Headers, Header{Key: chunkKey, Value: h.encode()})
		chunk.Value = r.Value[from:to:to]
		chunks[h.index] = &chunk
		from = to
	}
	f.first, f.left = chunks[0], len(chunks)
	return chunks
}

// settle takes the answer about one chunk; the last one answers for the record.
func (f *chunkFlight) settle(ack Ack, err error) {
	f.mu.Lock()
	f.left--
	f.ack.Duplicate = f.ack.Duplicate || ack.Duplicate
	switch {
	case err != nil:
		// One chunk that is surely not stored means that the record is surely not.
		if f.err == nil || (errors.Is(f.err, ErrUnknownOutcome) && !errors.Is(err, ErrUnknownOutcome)) {
			f.err = err
		}
	case f.answered && ack.Partition != f.ack.Partition:
		f.err = errChunksApart
	default:
		f.answered, f.ack.Partition = true, ack.Partition
		if ack.Record == f.first {
			f.ack.Position = ack.Position
		}
	}
	last, answer, err := f.left == 0, f.ack, f.err
	f.mu.Unlock()
	if !last {
		return
	}
	answer.Record = f.rec
	if err != nil {
		answer = Ack{Record: f.rec}
	}
	f.done(answer, err)
	f.flights.end(f)
}

// errChunksApart is the failure of a record that no reader can put together.
var errChunksApart = errors.New("the stream's partitions changed while the record's chunks were stored; send it again")

func chunkSum(sum uint32, b []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
}
