package kafkago

import (
	"math/bits"
	"sync"
)

// buffers keep the memory of batches that are done, by powers of two, so that small batches do not sit in large memory.
// Methods may be called from many goroutines.
type buffers struct {
	classes [mostClass - leastClass + 1]sync.Pool // of *[]byte
	batches sync.Pool                             // of *batch
}

// Buffers of 4 KiB to 2 MiB are kept.
const (
	leastClass = 12
	mostClass  = 21
)

// take returns an empty buffer for n bytes.
func (b *buffers) take(n int) []byte {
	class := max(bits.Len(uint(max(n, 1)-1)), leastClass)
	if class > mostClass {
		return make([]byte, 0, n)
	}
	if kept, ok := b.classes[class-leastClass].Get().(*[]byte); ok {
		return (*kept)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// give takes a buffer back that nobody reads any more.
func (b *buffers) give(p []byte) {
	class := bits.Len(uint(cap(p))) - 1 // what it can hold for sure
	if class >= leastClass && class <= mostClass {
		p = p[:0]
		b.classes[class-leastClass].Put(&p)
	}
}

// reserve returns p with room for n bytes more.
func (b *buffers) reserve(p []byte, n int) []byte {
	if len(p)+n <= cap(p) {
		return p
	}
	more := b.take(max(len(p)+n, 2*cap(p)))
	more = append(more, p...)
	b.give(p)
	return more
}

// batch returns an empty one.
func (b *buffers) batch(first int) *batch {
	one, ok := b.batches.Get().(*batch)
	if !ok {
		one = new(batch)
	}
	one.bytes = b.take(first)[:headEnd]
	return one
}

// mostItems is how many items of a batch that is done are kept room for.
const mostItems = 1 << 14

// recycle takes a batch back that nobody refers to.
func (b *buffers) recycle(one *batch) {
	if !one.held {
		b.give(one.bytes)
	}
	clear(one.items)
	items := one.items[:0]
	if cap(items) > mostItems {
		items = nil
	}
	*one = batch{items: items}
	b.batches.Put(one)
}
