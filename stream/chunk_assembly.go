package stream

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A chunkAssembly is the queue of a claim's records in the order of their first chunks, from the oldest that is half
// assembled on. It is not safe for concurrent use.
type chunkAssembly struct {
	bounds  Chunking
	skipped func(at Position, size int64, err error)

	queue   []*chunkSlot
	pending map[chunkID]*chunkSlot // the half assembled ones, which are in queue too
	bytes   int64                  // of all in queue
	recent  []chunkID              // records that were complete or given up lately, a ring
	oldest  int                    // where recent is written next
}

// A chunkSlot is one record in the queue.
type chunkSlot struct {
	rec    Record // of the first chunk; Value when it is complete
	header chunkHeader
	pieces [][]byte
	got    int64 // bytes of pieces
	size   int64 // what the slot counts for in chunkAssembly.bytes
	since  time.Time
	state  slotState
}

type slotState uint8

const (
	slotWhole slotState = iota
	slotPending
	slotGone
)

const (
	// slotBytes is what a record in the queue takes beside its bytes, and pieceBytes a piece.
	slotBytes  = 256
	pieceBytes = 64
	// maxRecent is how many records are remembered to know repeated chunks.
	maxRecent = 256
)

func newChunkAssembly(bounds Chunking, skipped func(Position, int64, error)) *chunkAssembly {
	return &chunkAssembly{bounds: bounds, skipped: skipped, pending: map[chunkID]*chunkSlot{}}
}

func (a *chunkAssembly) empty() bool { return len(a.queue) == 0 }

// push takes the next record of the partition. It reports whether a record begins there. An error means that the
// record can be neither delivered nor given up.
func (a *chunkAssembly) push(r *Record, now time.Time) (opened bool, err error) {
	if len(r.Headers) == 0 || !reservedHeader(r.Headers) {
		a.add(&chunkSlot{rec: *r, size: slotBytes + recordBytes(r)})
		a.bound()
		return true, nil
	}
	h, err := chunkHeaderOf(r.Headers)
	switch {
	case errors.Is(err, errNewerChunks):
		return false, err
	case err != nil:
		a.skipped(r.Position, recordBytes(r), err)
		return false, nil
	case h.index > 0:
		a.follow(h, r.Value)
		return false, nil
	case a.pending[h.id] != nil || slices.Contains(a.recent, h.id):
		return false, nil // repeated
	case h.size > a.bounds.MaxRecordBytes:
		return false, fmt.Errorf("%w: a value of %d bytes in chunks, Chunking.MaxRecordBytes is %d here",
			ErrTooLarge, h.size, a.bounds.MaxRecordBytes)
	}
	a.open(h, r, now)
	return true, nil
}

// open begins a record.
func (a *chunkAssembly) open(h chunkHeader, r *Record, now time.Time) {
	for id, slot := range a.pending {
		if id.writer == h.id.writer && id.number < h.oldest {
			a.giveUp(slot, "its producer has gone on without it")
		}
	}
	slot := &chunkSlot{rec: *r, header: h, since: now, state: slotPending}
	slot.rec.Headers = append([]Header(nil), r.Headers[:len(r.Headers)-1]...) // nil if there are none
	if h.nilKey {
		slot.rec.Key = nil
	}
	slot.rec.Value = nil
	slot.size = slotBytes + recordBytes(&slot.rec)
	a.add(slot)
	a.pending[h.id] = slot
	a.piece(slot, r.Value)
	if len(a.pending) > a.bounds.MaxPending {
		a.giveUp(a.first(), "Chunking.MaxPending records are half assembled")
	}
	a.bound()
}

func (a *chunkAssembly) add(slot *chunkSlot) {
	a.queue = append(a.queue, slot)
	a.bytes += slot.size
}

// follow takes a later chunk. Chunks of a record arrive in order, since they have one key.
func (a *chunkAssembly) follow(h chunkHeader, piece []byte) {
	slot := a.pending[h.id]
	if slot == nil {
		return // its beginning is before the reading, or it is done
	}
	same := slot.header
	same.index = h.index
	have := uint32(len(slot.pieces))
	switch {
	case same != h:
		a.giveUp(slot, "its chunks contradict each other")
	case h.index < have: // repeated
	case h.index > have:
		a.giveUp(slot, fmt.Sprintf("chunk %d of %d is missing", have+1, h.count))
	default:
		a.piece(slot, piece)
		a.bound()
	}
}

// piece adds the next piece, and completes the record with the last.
func (a *chunkAssembly) piece(slot *chunkSlot, piece []byte) {
	slot.pieces = append(slot.pieces, piece)
	slot.got += int64(len(piece))
	slot.size += pieceBytes + int64(len(piece))
	a.bytes += pieceBytes + int64(len(piece))
	last := len(slot.pieces) == int(slot.header.count)
	switch {
	case slot.got > slot.header.size, last && slot.got < slot.header.size:
		a.giveUp(slot, "its chunks have not the size that they tell")
	case last:
		a.complete(slot)
	}
}

func (a *chunkAssembly) complete(slot *chunkSlot) {
	sum := uint32(0)
	for _, p := range slot.pieces {
		sum = chunkSum(sum, p)
	}
	if sum != slot.header.sum {
		a.giveUp(slot, "it fails its checksum")
		return
	}
	slot.rec.Value = bytes.Join(slot.pieces, nil)
	slot.pieces = nil
	a.settle(slot, slotWhole)
}

// settle ends the waiting for a record and remembers it, to know its chunks when they come again.
func (a *chunkAssembly) settle(slot *chunkSlot, state slotState) {
	slot.state = state
	delete(a.pending, slot.header.id)
	if len(a.recent) < maxRecent {
		a.recent = append(a.recent, slot.header.id)
		return
	}
	a.recent[a.oldest] = slot.header.id
	a.oldest = (a.oldest + 1) % maxRecent
}

func (a *chunkAssembly) giveUp(slot *chunkSlot, why string) {
	a.settle(slot, slotGone)
	a.bytes -= slot.size
	slot.size, slot.pieces = 0, nil
	a.skipped(slot.rec.Position, slot.got, fmt.Errorf("%w: a record in chunks is given up: %s", ErrCorrupt, why))
}

// first is the oldest half assembled record.
func (a *chunkAssembly) first() *chunkSlot {
	for _, slot := range a.queue {
		if slot.state == slotPending {
			return slot
		}
	}
	return nil
}

// bound gives up the oldest half assembled records until what is held back is within MaxHeldBytes. What stands before
// the oldest one is about to be delivered and does not count.
func (a *chunkAssembly) bound() {
	for a.bytes > a.bounds.MaxHeldBytes && len(a.pending) > 0 {
		held := a.bytes
		for _, slot := range a.queue {
			if slot.state == slotPending {
				break
			}
			held -= slot.size
		}
		if held <= a.bounds.MaxHeldBytes {
			return
		}
		a.giveUp(a.first(), "Chunking.MaxHeldBytes are held back")
	}
}

// pop delivers what stands before the oldest half assembled record.
func (a *chunkAssembly) pop(into []Record) int {
	n, taken := 0, 0
	for _, slot := range a.queue {
		if n == len(into) || slot.state == slotPending {
			break
		}
		taken++
		a.bytes -= slot.size
		if slot.state == slotWhole {
			into[n] = slot.rec
			n++
		}
	}
	a.queue = slices.Delete(a.queue, 0, taken)
	return n
}

// deadline is when the oldest half assembled record is too old. After pop, if the queue is not empty, there is one.
func (a *chunkAssembly) deadline() time.Time { return a.first().since.Add(a.bounds.MaxAge) }

// expire gives up what is too old.
func (a *chunkAssembly) expire(now time.Time) {
	for _, slot := range a.queue {
		if slot.state == slotPending && now.Sub(slot.since) >= a.bounds.MaxAge {
			a.giveUp(slot, "its rest did not come within Chunking.MaxAge")
		}
	}
}

// fresh reports whether a half assembled record was sent so lately that its rest may come yet.
func (a *chunkAssembly) fresh(now time.Time) bool {
	for _, slot := range a.pending {
		if now.Sub(time.UnixMilli(slot.header.sent)) < a.bounds.MaxAge {
			return true
		}
	}
	return false
}

// abandon gives up all that is half assembled.
func (a *chunkAssembly) abandon() {
	for _, slot := range a.queue {
		if slot.state == slotPending {
			a.giveUp(slot, "the partition ended before its last chunk")
		}
	}
}
