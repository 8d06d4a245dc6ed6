package memory

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A topic is one stream. Methods may be called from many goroutines.
type topic struct {
	b         *Backend
	name      string
	traits    *traits
	config    stream.StreamConfig // with the defaults filled in
	maxRecord int64
	compacted bool
	trims     bool         // records are deleted by age
	tidies    bool         // something is to be done now and then after an append
	keep      atomic.Int64 // for how long, in nanoseconds
	sweep     int64        // how often the age of records is looked at, in milliseconds
	auto      atomic.Bool  // record distribution AUTO: keys place nothing
	places    *placeCache
	spread    atomic.Uint64 // where the next record without key goes

	routes atomic.Pointer[routes]

	mu  sync.Mutex // guards what follows
	all []*partition
}

// routes are the partitions that take records, in the order of their ranges or indexes. They do not change.
type routes struct{ open []*partition }

func newTopic(b *Backend, c stream.StreamConfig) *topic {
	t := &topic{b: b, name: c.Name, traits: &b.traits, config: c, maxRecord: c.MaxRecordBytes, compacted: c.Compacted}
	t.keep.Store(int64(c.Retention))
	t.sweep = t.traits.sweep()
	t.trims = !c.Compacted && c.Retention > 0
	t.tidies = t.trims || t.compacted || b.config.PartitionBytes > 0
	if t.traits.hashed {
		t.places = newPlaceCache()
	}
	open := make([]*partition, c.Partitions)
	for i := range open {
		low, high := fraction(i, c.Partitions), lastPoint
		if i+1 < c.Partitions {
			high = fraction(i+1, c.Partitions)
			high.high--
			high.low = ^uint64(0)
		}
		open[i] = t.add(low, high, nil)
	}
	t.routes.Store(&routes{open: open})
	return t
}

// add makes one more partition, which takes no records until routes say so. The caller holds t.mu, or is newTopic.
func (t *topic) add(low, high point, parents []*partition) *partition {
	i := len(t.all)
	p := &partition{topic: t, index: i, name: strconv.Itoa(i), low: low, high: high, parents: parents}
	p.swept = t.b.clock.millis()
	if t.traits.hashed {
		p.name = fmt.Sprintf("shardId-%012d", i)
		p.scale = scale{long: true, top: longTop + uint64(i)<<4, salt: mix(t.b.config.Seed ^ mix(hashName(t.name)+uint64(i)))}
	}
	t.all = append(t.all, p)
	return p
}

// partitions returns all that exist or have existed, oldest first.
func (t *topic) partitions() []*partition {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[:len(t.all):len(t.all)]
}

func (t *topic) partition(name string) (*partition, bool) {
	for _, p := range t.partitions() {
		if p.name == name {
			return p, true
		}
	}
	return nil, false
}

func (t *topic) retention() time.Duration {
	if !t.trims {
		return 0
	}
	return time.Duration(t.keep.Load())
}

// route returns the partition for a key, as an index into r.open; spread is where records without key go.
func (t *topic) route(r *routes, key []byte, spread uint64) int {
	n := len(r.open)
	if n == 1 {
		return 0
	}
	if key == nil || t.auto.Load() {
		return int(spread % uint64(n))
	}
	if !t.traits.hashed {
		return murmurIndex(key, n)
	}
	return t.places.of(key, r)
}

// at returns the index of the partition whose range holds the point.
func (r *routes) at(p point) int {
	low, high := 0, len(r.open)-1
	for low < high {
		mid := (low + high) / 2
		if r.open[mid].high.less(p) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// owns tells, for Hold.Owns, whether records of a key belong to p as things are now.
func (p *partition) owns() func(key []byte) bool {
	if p.topic.traits.hashed {
		return func(key []byte) bool {
			at := hashPoint(key)
			return !at.less(p.low) && !p.high.less(at)
		}
	}
	n := len(p.topic.routes.Load().open)
	return func(key []byte) bool { return murmurIndex(key, n) == p.index }
}

// hashName is FNV-1a.
func hashName(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
