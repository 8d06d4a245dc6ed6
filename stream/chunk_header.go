package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// chunkPrefix begins every header that belongs to chunks, and chunkKey is the one in use.
const (
	chunkPrefix = "streamport.chunk."
	chunkKey    = chunkPrefix + "piece"
)

// A chunkID names a record that is stored in chunks: the sink that wrote it, and its how-manieth.
type chunkID struct{ writer, number uint64 }

// A chunkHeader stands, encoded, in the last header of each chunk. Everything but index is equal in all chunks of a
// record.
type chunkHeader struct {
	id     chunkID
	oldest uint64 // the writer's oldest that was not answered when this was sent: earlier ones get no more chunks
	sent   int64  // milliseconds since 1970 on the writer's clock
	index  uint32
	count  uint32 // at least 2
	size   int64  // of the whole value
	sum    uint32 // CRC-32C of the whole value
	nilKey bool   // the record has no key; the chunks' key is generated
}

// The layout, big-endian: version, flags, then the fields in the order of the struct.
const (
	chunkVersion     = 1
	chunkFlagNilKey  = 1
	chunkHeaderBytes = 2 + 8 + 8 + 8 + 8 + 4 + 4 + 8 + 4
)

// errNewerChunks: the header was written by a version of the library that this one does not know.
var errNewerChunks = errors.New("a newer version of the library has stored chunks; read them with that version")

func (h chunkHeader) encode() []byte {
	flags := byte(0)
	if h.nilKey {
		flags = chunkFlagNilKey
	}
	b := append(make([]byte, 0, chunkHeaderBytes), chunkVersion, flags)
	b = binary.BigEndian.AppendUint64(b, h.id.writer)
	b = binary.BigEndian.AppendUint64(b, h.id.number)
	b = binary.BigEndian.AppendUint64(b, h.oldest)
	b = binary.BigEndian.AppendUint64(b, uint64(h.sent))
	b = binary.BigEndian.AppendUint32(b, h.index)
	b = binary.BigEndian.AppendUint32(b, h.count)
	b = binary.BigEndian.AppendUint64(b, uint64(h.size))
	return binary.BigEndian.AppendUint32(b, h.sum)
}

// decodeChunkHeader takes what encode writes, and nothing else: ErrCorrupt, or errNewerChunks.
func decodeChunkHeader(b []byte) (chunkHeader, error) {
	if len(b) > 0 && b[0] > chunkVersion {
		return chunkHeader{}, fmt.Errorf("%w: %w", ErrUnsupported, errNewerChunks)
	}
	if len(b) != chunkHeaderBytes || b[0] != chunkVersion || b[1] > chunkFlagNilKey {
		return chunkHeader{}, fmt.Errorf("%w: a chunk's header does not decode", ErrCorrupt)
	}
	h := chunkHeader{
		nilKey: b[1] == chunkFlagNilKey,
		id:     chunkID{writer: binary.BigEndian.Uint64(b[2:]), number: binary.BigEndian.Uint64(b[10:])},
		oldest: binary.BigEndian.Uint64(b[18:]),
		sent:   int64(binary.BigEndian.Uint64(b[26:])),
		index:  binary.BigEndian.Uint32(b[34:]),
		count:  binary.BigEndian.Uint32(b[38:]),
		size:   int64(binary.BigEndian.Uint64(b[42:])),
		sum:    binary.BigEndian.Uint32(b[50:]),
	}
	if h.count < 2 || h.count > maxChunks || h.index >= h.count || h.size < int64(h.count) || h.oldest > h.id.number {
		return chunkHeader{}, fmt.Errorf("%w: a chunk's header contradicts itself", ErrCorrupt)
	}
	return h, nil
}

// reservedHeader reports whether a header belongs to chunks.
func reservedHeader(headers []Header) bool {
	for i := range headers {
		if strings.HasPrefix(headers[i].Key, chunkPrefix) {
			return true
		}
	}
	return false
}

// chunkHeaderOf reads the header of a chunk, which is the last of the record's and the only reserved one.
func chunkHeaderOf(headers []Header) (chunkHeader, error) {
	last := len(headers) - 1
	if headers[last].Key != chunkKey || reservedHeader(headers[:last]) {
		return chunkHeader{}, fmt.Errorf("%w: a record has reserved headers and is no chunk", ErrCorrupt)
	}
	return decodeChunkHeader(headers[last].Value)
}
