package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/streamport-go/streamport/stream"
)

// The shape of the load, the same for all sides.
const (
	poolSize   = 1_000 // different records, each with a key of its own, sent round and round
	valueBytes = 100
	keyBytes   = 8
	streamName = "bench"
)

// A load is a fixed set of records that every side sends in rotation. Sides only read it.
type load struct {
	records []*stream.Record
	sum     uint64 // of digest over all records
}

// newLoad makes n records with values of so many bytes. The same arguments make the same load.
func newLoad(n, valueSize int) *load {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	l := &load{records: make([]*stream.Record, n)}
	for i := range l.records {
		value := make([]byte, valueSize)
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		l.records[i] = &stream.Record{Stream: streamName, Key: keyOf(i), Value: value}
		l.sum += digest(value)
	}
	return l
}

// to is the same load for another stream.
func (l *load) to(name string) *load {
	moved := &load{records: make([]*stream.Record, len(l.records)), sum: l.sum}
	for i, r := range l.records {
		moved.records[i] = &stream.Record{Stream: name, Key: r.Key, Value: r.Value}
	}
	return moved
}

// rounds is the number of whole rounds of the load in n records, at least one: sides move whole rounds only, so that the
// sum of what they received can be checked.
func (l *load) rounds(n int) int { return max(1, n/len(l.records)) }

// keyOf is a key of keyBytes printable bytes, as every backend takes it.
func keyOf(i int) []byte { return fmt.Appendf(nil, "k%07d", i) }

// indexOf is the inverse of keyOf.
func indexOf(key []byte) int {
	n := 0
	for _, c := range key[1:] {
		n = n*10 + int(c-'0')
	}
	return n
}

// digest touches the received bytes as the least that a consumer does, and lets the sum over all show lost, doubled or
// mangled records.
func digest(value []byte) uint64 {
	if len(value) < 16 {
		return uint64(len(value)) + 1
	}
	return binary.LittleEndian.Uint64(value) + binary.LittleEndian.Uint64(value[len(value)-8:]) + uint64(len(value))
}
