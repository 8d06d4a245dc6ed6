package stream

import "fmt"

// A chunkPlan says how records of one stream are stored. It is made from the stream's capabilities.
type chunkPlan struct {
	inner   int64 // what the stream takes in one record; 0: anything
	chunk   int64 // Chunking.ChunkBytes; 0: what inner leaves
	largest int64 // Chunking.MaxRecordBytes
	refuse  error // why nothing can be stored in chunks
	times   bool  // the stream keeps Record.Time
	nilKeys bool  // the stream takes records without key
}

const (
	// minChunk is the smallest piece that is worth a record.
	minChunk = 64
	// maxChunks bounds the pieces of a record.
	maxChunks = 1 << 16
	// chunkFrame is set aside in each record for the backend's own framing and for the chunk header.
	chunkFrame = 512
	// assumedLimit is what a stream whose limit nobody knows is taken to allow: every service takes that much.
	assumedLimit = 1_000_000
)

func planChunks(c Capabilities, chunking Chunking) chunkPlan {
	p := chunkPlan{
		inner: max(0, c.MaxRecordBytes.Value), chunk: chunking.ChunkBytes, largest: chunking.MaxRecordBytes,
		times: c.EventTime.Support >= Emulated, nilKeys: c.NilKeys.Support >= Emulated,
	}
	if p.inner == 0 && c.MaxRecordBytes.Source == "" {
		p.inner = assumedLimit
	}
	switch {
	case c.Headers.Support < Emulated:
		p.refuse = unsupported("chunks need headers, and the stream keeps none" + because(c.Headers) +
			"; turn headers on, or store large values elsewhere and send their address")
	case c.KeyOrder.Support < Emulated:
		p.refuse = unsupported("chunks need key order, and the stream does not keep it" + because(c.KeyOrder) +
			"; open it in a mode that does")
	case c.Compaction.Support >= Emulated:
		p.refuse = unsupported("compaction would remove all chunks of a key but the last" + because(c.Compaction) +
			"; use a stream that is not compacted")
	}
	return p
}

func because(f Flag) string {
	if f.Reason == "" {
		return ""
	}
	return " (" + f.Reason + ")"
}

// limit is MaxRecordBytes as the chunked backend answers for it.
func (p chunkPlan) limit(inner Limit) Limit {
	if p.refuse != nil || p.inner == 0 || inner.Value >= p.largest {
		return inner
	}
	return Limit{
		Value: p.largest, Source: Declared,
		Reason: fmt.Sprintf("values over %d bytes are stored in chunks; Chunking.MaxRecordBytes raises it", p.whole()),
	}
}

// whole is the largest value that is surely stored whole, without key and headers.
func (p chunkPlan) whole() int64 {
	room := max(0, p.inner-chunkFrame)
	if p.chunk > 0 {
		return min(p.chunk, room)
	}
	return room
}

// A chunkVerdict says what is to be done with a record.
type chunkVerdict uint8

const (
	storeWhole chunkVerdict = iota
	storeChunks
	storeNothing
)

// judge decides about one record. A record that is not over the inner limit by a plain count goes to the inner sink
// whenever it cannot be chunked: how a service counts is the inner sink's to know.
func (p chunkPlan) judge(r *Record) (chunkVerdict, error) {
	if reservedHeader(r.Headers) {
		return storeNothing, fmt.Errorf("%w: headers that begin with %q are reserved", ErrInvalid, chunkPrefix)
	}
	if p.fits(r) {
		return storeWhole, nil
	}
	size := recordBytes(r)
	over := p.inner > 0 && size > p.inner
	first, rest := p.pieces(r)
	chunkable := first >= minChunk && rest >= minChunk && int64(len(r.Value)) > first
	switch {
	case !over && (p.refuse != nil || !chunkable || size > p.largest):
		return storeWhole, nil
	case p.refuse != nil:
		return storeNothing, p.refuse
	case !chunkable:
		return storeNothing, fmt.Errorf("%w: key and headers leave no room for a chunk of the value", ErrTooLarge)
	case r.Key == nil && !p.nilKeys:
		return storeNothing, unsupported("the stream takes no records without key")
	case size > p.largest:
		return storeNothing, fmt.Errorf("%w: %d bytes, chunks take at most %d", ErrTooLarge, size, p.largest)
	case chunkCount(int64(len(r.Value)), first, rest) > maxChunks:
		return storeNothing, fmt.Errorf("%w: more than %d chunks", ErrTooLarge, maxChunks)
	}
	return storeChunks, nil
}

func (p chunkPlan) fits(r *Record) bool {
	value := int64(len(r.Value))
	return (p.chunk == 0 || value <= p.chunk) && (p.inner == 0 || framing(r.Key, r.Headers)+value <= p.inner)
}

// pieces tells how much of the value fits into the first chunk, which carries the headers, and into the others.
func (p chunkPlan) pieces(r *Record) (first, rest int64) {
	if p.inner == 0 {
		return p.chunk, p.chunk
	}
	key := r.Key
	if key == nil {
		key = make([]byte, generatedKeyBytes)
	}
	first, rest = p.inner-framing(key, r.Headers), p.inner-framing(key, nil)
	if p.chunk > 0 {
		first, rest = min(first, p.chunk), min(rest, p.chunk)
	}
	return first, rest
}

func chunkCount(size, first, rest int64) int64 { return 1 + (size-first+rest-1)/rest }

// framing is more than any service counts for key, headers and its own: some write bytes as text.
func framing(key []byte, headers []Header) int64 {
	size := int64(chunkFrame) + 2*int64(len(key))
	for _, h := range headers {
		size += 64 + 2*int64(len(h.Key)+len(h.Value))
	}
	return size
}

// recordBytes is key, value and headers.
func recordBytes(r *Record) int64 {
	size := int64(len(r.Key) + len(r.Value))
	for _, h := range r.Headers {
		size += int64(len(h.Key) + len(h.Value))
	}
	return size
}
