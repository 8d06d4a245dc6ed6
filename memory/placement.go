package memory

import (
	"crypto/md5"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
)

// murmur2 is the hash of Kafka's default partitioner: 32 bits, seed 0x9747b28c.
func murmur2(data []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// murmurIndex is the partition of a key among n, as Kafka's default partitioner places it.
func murmurIndex(key []byte, n int) int { return int(murmur2(key)&0x7fffffff) % n }

// A point is a place in the space of MD5 hashes, 0 to 2^128-1, that Kinesis divides among its shards.
type point struct{ high, low uint64 }

var lastPoint = point{^uint64(0), ^uint64(0)}

func (p point) less(q point) bool {
	if p.high != q.high {
		return p.high < q.high
	}
	return p.low < q.low
}

// next is the point after p.
func (p point) next() point {
	p.low++
	if p.low == 0 {
		p.high++
	}
	return p
}

// middle is the point half way from p to q, rounded down.
func (p point) middle(q point) point {
	low := p.low + q.low
	var carry uint64
	if low < p.low {
		carry = 1
	}
	high := p.high + q.high
	var top uint64
	if high < p.high || (carry == 1 && high == ^uint64(0)) {
		top = 1
	}
	high += carry
	return point{high: high>>1 | top<<63, low: low>>1 | high<<63}
}

// fraction is the point at i/n of the space, for n up to maxPartitions.
func fraction(i, n int) point {
	step := ^uint64(0) / uint64(n)
	return point{high: step * uint64(i)}
}

func hashPoint(key []byte) point {
	sum := md5.Sum(key)
	return point{high: binary.BigEndian.Uint64(sum[:8]), low: binary.BigEndian.Uint64(sum[8:])}
}

// A placeCache remembers where keys seen lately go: hashing them costs as much as storing a record. Its methods may be
// called from many goroutines.
type placeCache struct {
	seed  maphash.Seed
	slots [placeSlots]atomic.Pointer[knownPlace]
}

// A key can stand in any of the slots of its group, so that a few thousand keys in use hardly drive each other out.
const (
	placeWays  = 4
	placeSlots = 1 << 12
)

type knownPlace struct {
	key    string
	routes *routes // among which index holds
	index  int
}

func newPlaceCache() *placeCache { return &placeCache{seed: maphash.MakeSeed()} }

// of returns the index among r of the partition for a key.
func (c *placeCache) of(key []byte, r *routes) int {
	hash := maphash.Bytes(c.seed, key)
	first := hash % (placeSlots / placeWays) * placeWays
	group := c.slots[first : first+placeWays]
	oust := hash >> 32 % placeWays
	for i := range group {
		known := group[i].Load()
		if known == nil {
			oust = uint64(i)
			break
		}
		if known.is(key, r) {
			return known.index
		}
	}
	known := &knownPlace{key: string(key), routes: r, index: r.at(hashPoint(key))}
	group[oust].Store(known)
	return known.index
}

func (k *knownPlace) is(key []byte, r *routes) bool { return k.routes == r && k.key == string(key) }
