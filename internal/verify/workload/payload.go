package workload

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"

	"github.com/streamport-go/streamport/stream"
)

// A payload is what is known of a record: who it is, and what it says. It stands in the record's value; where that is nil
// or empty, in a header, or, without headers, in the key.
type payload struct {
	uid, kseq uint64
}

// Values begin with these fields; the checksum is over what follows it.
const (
	uidAt    = 0
	kseqAt   = 8
	crcAt    = 16
	restAt   = 20
	uidKey   = "x-uid"
	loneMark = "lone-"
)

func (p payload) value(size int) []byte {
	v := make([]byte, restAt+size)
	binary.BigEndian.PutUint64(v[uidAt:], p.uid)
	binary.BigEndian.PutUint64(v[kseqAt:], p.kseq)
	for i := restAt; i < min(len(v), restAt+256); i++ {
		v[i] = byte(p.uid) ^ byte(i)
	}
	binary.BigEndian.PutUint32(v[crcAt:], crc32.ChecksumIEEE(v[restAt:]))
	return v
}

func (p payload) header() stream.Header { return stream.Header{Key: uidKey, Value: p.value(0)} }

// loneKey is the key of a record that has neither a value nor headers.
func (p payload) loneKey() []byte { return []byte(loneMark + strconv.FormatUint(p.uid, 10)) }

// payloadOf finds the payload again. Sound is false if it is damaged.
func payloadOf(rec *stream.Record) (p payload, sound bool) {
	value := rec.Value
	for _, h := range rec.Headers {
		if h.Key == uidKey {
			value = h.Value
		}
	}
	if len(value) >= restAt {
		p.uid, p.kseq = binary.BigEndian.Uint64(value[uidAt:]), binary.BigEndian.Uint64(value[kseqAt:])
		return p, binary.BigEndian.Uint32(value[crcAt:]) == crc32.ChecksumIEEE(value[restAt:])
	}
	if len(rec.Key) > len(loneMark) && string(rec.Key[:len(loneMark)]) == loneMark {
		uid, err := strconv.ParseUint(string(rec.Key[len(loneMark):]), 10, 64)
		return payload{uid: uid, kseq: 1}, err == nil
	}
	return p, false
}

// sum is over everything that must come back as it was sent: nil and empty are told apart, and headers keep their order.
func sum(rec *stream.Record, withTime bool) uint32 {
	var head [8]byte
	put := func(crc uint32, b []byte) uint32 {
		n := uint64(len(b)) << 1
		if b == nil {
			n = 1
		}
		binary.BigEndian.PutUint64(head[:], n)
		crc = crc32.Update(crc, crc32.IEEETable, head[:])
		return crc32.Update(crc, crc32.IEEETable, b)
	}
	crc := put(put(0, rec.Key), rec.Value)
	for _, h := range rec.Headers {
		crc = put(put(crc, []byte(h.Key)), h.Value)
	}
	if withTime {
		binary.BigEndian.PutUint64(head[:], uint64(rec.Time.UnixMilli()))
		crc = crc32.Update(crc, crc32.IEEETable, head[:])
	}
	return crc
}
