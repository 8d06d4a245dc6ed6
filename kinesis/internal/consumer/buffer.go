package consumer

import (
	"sync"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// A buffer holds the pages of a shard that are fetched and not read. The pump fills it and Fetch empties it. Records
// stay as the service gave them until they are read.
type buffer struct {
	most int64 // bytes; one page may go over it

	mu     sync.Mutex // guards what follows
	pages  []api.Page
	bytes  int64
	broken error         // why the pump waits
	shut   bool          // nothing more is taken
	more   chan struct{} // holds a token when Fetch should look
	room   chan struct{} // holds a token when the pump should look
}

// pageCost is what a page and each of its records cost beside data and keys, so that pages of empty records are
// bounded too.
const (
	pageCost   = 256
	recordCost = 96
)

func newBuffer(most int64) *buffer {
	return &buffer{most: most, more: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func cost(p api.Page) int64 {
	n := int64(p.Bytes) + pageCost + recordCost*int64(len(p.Records))
	if p.Bytes == 0 {
		for _, r := range p.Records {
			n += int64(len(r.Data) + len(r.Key))
		}
	}
	return n
}

// put adds a page. Pages without records replace each other: the last tells as much.
func (b *buffer) put(p api.Page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return
	}
	if n := len(b.pages); n > 0 && len(p.Records) == 0 && len(b.pages[n-1].Records) == 0 {
		b.bytes -= cost(b.pages[n-1])
		b.pages = b.pages[:n-1]
	}
	b.pages = append(b.pages, p)
	b.bytes += cost(p)
	signal(b.more)
}

// fail says why no page comes.
func (b *buffer) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = err
	signal(b.more)
}

// next takes the first page. Without one: why none comes, once; the pump goes on then.
func (b *buffer) next() (p api.Page, ok bool, broken error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pages) == 0 {
		broken, b.broken = b.broken, nil
		if broken != nil {
			signal(b.room)
		}
		return api.Page{}, false, broken
	}
	p = b.pages[0]
	b.pages[0] = api.Page{}
	b.pages = b.pages[1:]
	b.bytes -= cost(p)
	signal(b.room)
	return p, true, nil
}

// free is how many bytes there is room for.
func (b *buffer) free() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.most-b.bytes, 0)
}

// ready reports whether the pump may fetch.
func (b *buffer) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken == nil && b.bytes < b.most
}

// close forgets everything.
func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages, b.bytes, b.broken, b.shut = nil, 0, nil, true
	signal(b.more)
}

// signal leaves a token. It never blocks.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
