package tcpfault

import (
	"encoding/binary"
	"iter"
	"sync"
)

// Sizes of Kafka's framing: a request begins with its size, API key, version and correlation id, a response with its
// size and correlation id. frameLimit is far above what brokers accept; a longer "frame" is not Kafka's.
const (
	requestHead  = 12
	responseHead = 8
	frameLimit   = 256 << 20
)

// segment is a part of a chunk that belongs to one frame.
type segment struct {
	from, to int   // in the chunk
	known    bool  // key is the frame's
	head     bool  // in this segment the key became known
	key      int16 // of the request, also on its response
}

// frames finds frames in one direction of a connection as the bytes pass. It is used by one goroutine.
type frames struct {
	side    Side
	flights *flights
	head    []byte // what was seen of the head of this frame
	left    int    // bytes of the frame that follow its head
	known   bool
	key     int16
	opaque  bool // the connection does not speak Kafka
}

// split yields the segments of chunk in order, without a gap. Bytes of a head that is not complete are a segment too:
// they may go on, since no server acts on half a head.
func (f *frames) split(chunk []byte) iter.Seq[segment] {
	return func(yield func(segment) bool) {
		for from := 0; from < len(chunk); {
			s := f.next(chunk, from)
			if !yield(s) {
				return
			}
			from = s.to
		}
	}
}

func (f *frames) next(chunk []byte, from int) segment {
	s := segment{from: from, to: len(chunk)}
	if f.opaque {
		return s
	}
	rest := chunk[from:]
	if want := f.size(); len(f.head) < want {
		n := min(want-len(f.head), len(rest))
		f.head = append(f.head, rest[:n]...)
		rest = rest[n:]
		if len(f.head) < want {
			return s
		}
		if !f.begin() {
			f.opaque = true
			return s
		}
		s.head = f.known
	}
	n := min(f.left, len(rest))
	f.left -= n
	s.to = len(chunk) - len(rest) + n
	s.known, s.key = f.known, f.key
	if f.left == 0 {
		f.head = f.head[:0]
	}
	return s
}

func (f *frames) size() int {
	if f.side == Requests {
		return requestHead
	}
	return responseHead
}

// begin reads a complete head, and is false if it cannot be Kafka's.
func (f *frames) begin() bool {
	size := int64(binary.BigEndian.Uint32(f.head))
	if size < int64(len(f.head)-4) || size > frameLimit {
		return false
	}
	f.left = int(size) - (len(f.head) - 4)
	id := binary.BigEndian.Uint32(f.head[len(f.head)-4:])
	if f.side == Requests {
		f.known, f.key = true, int16(binary.BigEndian.Uint16(f.head[4:]))
		f.flights.depart(id, f.key)
		return true
	}
	f.key, f.known = f.flights.land(id)
	return true
}

// flightLimit bounds the requests that wait for a response; a client has a few, and those without a response are
// forgotten when a later one is answered.
const flightLimit = 10_000

// flights are the requests of a connection that were not answered, in order. Brokers answer in order.
type flights struct {
	mu   sync.Mutex // guards what follows
	open []flight
}

type flight struct {
	id  uint32
	key int16
}

func (f *flights) depart(id uint32, key int16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.open) == flightLimit {
		f.open = f.open[1:]
	}
	f.open = append(f.open, flight{id, key})
}

// land finds the key of the request that is answered, and forgets those before it, which have no response.
func (f *flights) land(id uint32) (key int16, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, one := range f.open {
		if one.id == id {
			f.open = f.open[i+1:]
			return one.key, true
		}
	}
	return 0, false
}
