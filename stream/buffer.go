package stream

// How many records a loop asks for at a time: few at first, since most partitions of a large stream are idle; then so
// many that the blocks of Records cost less than 0.01 allocations a record.
const (
	firstBlock = 16
	smallBlock = 128
	lentBlock  = 195 // of Records: as many as fill a size of the allocator, 32 KiB, and no more is cleared or kept alive
	largeBlock = 512 // of Batches, used again and again
)

// buffer holds what was fetched and not yet yielded: block[from:to]. It outlives a loop, so that a later one goes on.
type buffer struct {
	block     []Record
	from, to  int
	lent      bool // Records has yielded pointers into block: it must not be overwritten
	filled    bool // the last fetch took all the room it had
	exhausted bool // the claim has nothing more
	yielded   Position
}

func (b *buffer) size() int { return b.to - b.from }

// room makes space behind what is buffered and returns it: at most want records of it, if want is not 0.
func (b *buffer) room(want int) []Record {
	if b.to == len(b.block) || b.from == b.to && !b.lent {
		b.renew(want)
	}
	free := b.block[b.to:]
	if want > 0 && want < len(free) {
		free = free[:want]
	}
	return free
}

// renew moves what is buffered to the start of the block, or of a new one if this one is lent or too small.
func (b *buffer) renew(want int) {
	size := b.next()
	if need := b.size() + want; want > 0 && need > size {
		size = min(need, max(size, 2*len(b.block))) // what is asked for may never come: grow by and by
	}
	old := b.block[b.from:b.to]
	if b.from > 0 {
		b.yielded = b.block[b.from-1].Position
	}
	if b.lent || len(b.block) < size {
		b.block, b.lent = make([]Record, max(size, len(old)+1)), false
	}
	b.to = copy(b.block, old)
	b.from = 0
}

// drop lets go of the block, of which everything was yielded.
func (b *buffer) drop() {
	b.yielded = b.lastYielded()
	b.block, b.from, b.to, b.lent, b.filled = nil, 0, 0, false, false
}

// next is the length that the block should have.
func (b *buffer) next() int {
	full, most := b.filled && len(b.block) >= smallBlock, largeBlock
	if b.lent {
		most = lentBlock
	}
	switch {
	case len(b.block) == 0:
		return firstBlock
	case full && b.lent:
		return lentBlock
	case full:
		return max(largeBlock, len(b.block))
	default:
		return max(smallBlock, min(len(b.block), most))
	}
}

// fetched counts n records that were written to room.
func (b *buffer) fetched(n, room int) {
	b.to += n
	b.filled = n == room
}

// lastYielded is the position of the last record that was yielded.
func (b *buffer) lastYielded() Position {
	if b.from > 0 {
		return b.block[b.from-1].Position
	}
	return b.yielded
}
