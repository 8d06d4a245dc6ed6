package engine

import (
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A buffer holds what was fetched of one partition and is not read yet. The fetcher's goroutine fills it, Fetch empties
// it, and records stay in the client library's own form until then.
type buffer struct {
	mu     sync.Mutex // guards what follows
	number int64      // of the Add whose blocks are taken; 0: none
	blocks []Block
	first  int // in blocks[0]: the first record that is not read
	bytes  int64
	paused bool
	broken error
	stable int64 // as told last
}

// reset forgets everything: reading begins anew.
func (b *buffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number, b.blocks, b.first, b.bytes, b.paused, b.broken = 0, nil, 0, 0, false, nil
}

// expect takes the blocks of this Add only.
func (b *buffer) expect(number int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number = number
}

// stop takes nothing more, and reports whether the partition is paused.
func (b *buffer) stop() (paused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	paused = b.paused
	b.number, b.blocks, b.first, b.bytes, b.paused, b.broken = 0, nil, 0, 0, false, nil
	return paused
}

// put adds a block. Full: the partition has just come over its budget.
func (b *buffer) put(block Block, budget int64) (taken, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.number == 0 || block.Added != b.number && !mutated("stale block is taken") {
		return false, false
	}
	b.blocks = append(b.blocks, block)
	b.bytes += int64(block.Bytes)
	if block.Stable >= 0 {
		b.stable = block.Stable
	}
	full = !b.paused && b.bytes > budget
	b.paused = b.paused || full
	return true, full
}

// fail notes that the partition stands still.
func (b *buffer) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.number != 0 {
		b.broken = err
	}
}

// head is the first block and its first unread record; without one, why none comes.
func (b *buffer) head() (block Block, first int, ok bool, broken error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.blocks) == 0 {
		return Block{}, 0, false, b.broken
	}
	return b.blocks[0], b.first, true, nil
}

// read moves over n records of the head, and over the head if that was its last. Hungry: the partition has come under half
// its budget again.
func (b *buffer) read(n int, budget int64) (hungry bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.blocks) == 0 { // the claim ended meanwhile
		return false
	}
	head := &b.blocks[0]
	b.first += n
	if head.Records == nil || b.first >= head.Records.Len() {
		b.bytes -= int64(head.Bytes)
		b.blocks[0] = Block{}
		b.blocks, b.first = b.blocks[1:], 0
	}
	hungry = b.paused && b.bytes <= budget/2
	b.paused = b.paused && !hungry
	return hungry
}

// waiting reports whether there are records to be read.
func (b *buffer) waiting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range b.blocks {
		if block.Records != nil && block.Records.Len() > 0 {
			return true
		}
	}
	return false
}

// fetched takes a block for the claim.
func (c *Claim) fetched(block Block) {
	c.mu.Lock()
	if c.over != nil {
		c.mu.Unlock()
		return
	}
	taken, full := c.buffer.put(block, c.s.settings.BufferBytes)
	if full {
		c.s.reading.Pause(c.p)
	}
	c.mu.Unlock()
	if taken {
		c.nudge()
	}
}

// broken notes that the partition stands still.
func (c *Claim) broken(err error) {
	c.buffer.fail(err)
	c.nudge()
}

// take moves what fits from the buffer into into. Found: the read position may have moved without a record.
func (c *Claim) take(into []stream.Record) (n int, broken error, found bool) {
	block, first, ok, broken := c.buffer.head()
	if !ok {
		return 0, broken, false
	}
	count := 0
	if block.Records != nil {
		count = block.Records.Len()
	}
	n = min(count-first, len(into))
	if n > 0 {
		block.Records.Read(first, into[:n])
	}
	kept := c.clip(into[:n])
	switch {
	case kept < n: // the end lies in this block
		n = kept
	case first+n >= count:
		c.read = block.Next
	default:
		c.read = After(into[n-1].Position)
	}
	c.mu.Lock()
	if c.buffer.read(n, c.s.settings.BufferBytes) && c.over == nil {
		c.s.reading.Resume(c.p)
	}
	c.mu.Unlock()
	return n, nil, true
}
