package kafkago

import (
	"encoding/binary"
	"fmt"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A brought is what a fetch brought of one partition: where reading goes on, the records before it, and the damage that
// stands there.
type brought struct {
	code           engine.Code
	next           engine.Offset
	stable, oldest int64
	runs           []stretch
	bytes          int
	expanded       int64 // bytes that batches expanded to; behind the bound of one, no more are
	stuck          bool  // what came moves nothing
	err            error
}

// errStuck says that no whole batch comes that moves the offset.
var errStuck = fmt.Errorf("%w: the batch that stands there has no end", stream.ErrCorrupt)

// decode decodes what a fetch at an offset brought of one partition.
func decode(part *fetchPart, from engine.Offset, x *expander, uncommitted bool) brought {
	b := brought{code: engine.Code(part.code), next: from, stable: part.stable, oldest: part.oldest}
	if uncommitted {
		b.stable = part.high
	}
	if b.code != 0 {
		return b
	}
	hidden := newFilter(part.aborted, uncommitted)
	end := int64(0) // of the batch before
	for data := part.set; len(data) > atMagic; {
		size := int64(int32(binary.BigEndian.Uint32(data[atLength:]))) + beforeLength
		if size > int64(len(data)) {
			break // the broker cut it off
		}
		magic := data[atMagic]
		if least := leastSize(magic); least == 0 || size < least {
			b.err = fmt.Errorf("%w: %d bytes of format %d behind offset %d", stream.ErrCorrupt, size, magic, b.next.At-1)
			return b
		}
		one := data[:size:size]
		data = data[size:]
		if end, b.err = b.add(one, end, from, &hidden, x); b.err != nil || b.expanded > x.most {
			return b
		}
	}
	b.stuck = len(part.set) > 0 && b.next.At == from.At
	return b
}

// leastSize is how large a batch, or a message of the formats before, is at least; 0 if the format is not known.
func leastSize(magic byte) int64 {
	switch magic {
	case 0:
		return leastMessage
	case 1:
		return leastMessage + 8 // its time
	case 2:
		return atRecords
	}
	return 0
}

// add decodes one batch, and returns the offset that is behind it.
func (b *brought) add(data []byte, end int64, from engine.Offset, hidden *filter, x *expander) (int64, error) {
	if data[atMagic] != 2 {
		return b.addMessage(data, end, from, x)
	}
	one := logBatch(data)
	if err := one.check(); err != nil {
		return end, err
	}
	if one.base() < end {
		return end, fmt.Errorf("%w: a batch at offset %d behind one that ends at %d", stream.ErrCorrupt, one.base(), end)
	}
	hides := hidden.hides(&one, func() markerKind { return one.marker(x) })
	if one.last() < from.At {
		return one.last() + 1, nil
	}
	if epoch := one.epoch(); epoch >= 0 && epoch < from.Epoch {
		return end, &engine.Truncated{Asked: from, End: engine.Offset{At: -1, Epoch: -1}}
	}
	if !hides {
		r, bytes, err := one.records(from.At, x)
		if err != nil {
			return end, err
		}
		if one.flags()&codecs != 0 {
			b.expanded += int64(len(r.data))
		}
		b.keep(r, bytes)
	}
	b.next = engine.Offset{At: one.last() + 1, Epoch: one.epoch()}
	return b.next.At, nil
}

// keep adds a stretch that holds something.
func (b *brought) keep(r stretch, bytes int) {
	if len(r.entries) > 0 {
		b.runs = append(b.runs, r)
		b.bytes += bytes
	}
}
