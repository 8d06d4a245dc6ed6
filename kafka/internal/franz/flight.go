package franz

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/stream"
)

// A flight is a record on its way: franz-go's record, and how to get from it back to ours. Flights are made a slab at a
// time. A flight is the context of its own record. That is how one promise serves all records, how a delivery timeout
// reaches franz-go, and how it is seen which batches were put into a request: franz-go asks the first record of a batch for
// its Done before it sends it.
type flight struct {
	native kgo.Record
	from   *stream.Record
	done   func(stream.Ack, error)
	term   *term
	size   int64 // in the gate
	number uint64
	place  int32         // the partition that the record must go to, or -1
	asked  atomic.Uint64 // not 0: the batch that begins here may have been sent, with no record of a higher number
	reason error         // why the partitioner refused the record
}

// fill makes the record that franz-go gets, but for its headers. Nothing is copied: franz-go reads the bytes of r until it
// has answered.
func (f *flight) fill(r *stream.Record, now time.Time) {
	f.from = r
	n := &f.native
	n.Key, n.Value, n.Topic, n.Timestamp, n.Partition, n.Context = r.Key, r.Value, r.Stream, r.Time, -1, f
	if r.Time.IsZero() {
		n.Timestamp = now
	}
}

// flightOf returns the flight of a record that fill has made.
func flightOf(r *kgo.Record) *flight {
	f, _ := r.Context.(*flight)
	return f
}

// Deadline is the term's.
func (f *flight) Deadline() (time.Time, bool) { return f.term.ctx.Deadline() }

// Done is closed when the delivery has taken too long, or the partition has lost records. Franz-go asks the last time
// before it sends when nothing is added to the batch any more.
func (f *flight) Done() <-chan struct{} {
	s := f.term.sink
	raise(&f.asked, s.numbers.Load())
	if s.losses.hit(f) {
		return s.losses.ended
	}
	return f.term.ctx.Done()
}

// raise sets a to n, unless it is higher already.
func raise(a *atomic.Uint64, n uint64) {
	for {
		old := a.Load()
		if old >= n || a.CompareAndSwap(old, n) {
			return
		}
	}
}

// Err is the reason of Done.
func (f *flight) Err() error {
	if f.term.sink.losses.hit(f) {
		return errLoss
	}
	return f.term.ctx.Err()
}

// Value is the term's.
func (f *flight) Value(key any) any { return f.term.ctx.Value(key) }

// headers are counted first, so that those of many records are converted into one slice.
func countHeaders(recs []*stream.Record) (n int) {
	for _, r := range recs {
		if r != nil {
			n += len(r.Headers)
		}
	}
	return n
}

// cutHeaders converts the headers of r into the beginning of space, and returns them and the rest.
func cutHeaders(r *stream.Record, space []kgo.RecordHeader) (headers, rest []kgo.RecordHeader) {
	n := len(r.Headers)
	if n == 0 {
		return nil, space
	}
	for i, h := range r.Headers {
		space[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return space[:n:n], space[n:]
}

// names are the decimal numbers of partitions, each made once. They belong to one goroutine.
type names []string

func (n *names) of(partition int32) string {
	if partition < 0 {
		return ""
	}
	for int(partition) >= len(*n) {
		*n = append(*n, strconv.Itoa(len(*n)))
	}
	return (*n)[partition]
}

// A term is a stretch of time. Records that were accepted in it end together, and Flush waits for terms, so that neither
// costs a timer or a list entry a record.
type term struct {
	sink    *sink
	ctx     context.Context
	cancel  context.CancelFunc
	until   time.Time   // nothing is accepted into it from here on
	sealed  atomic.Bool // nothing is accepted into it any more
	over    atomic.Bool // drained is closed, or about to be
	drained chan struct{}
	watched *time.Timer  // nil if nothing is watched
	joined  atomic.Int64 // records counted in
	_       [64]byte     // whoever joins and whoever leaves write to cache lines of their own
	left    atomic.Int64 // records counted out
	_       [64]byte
}

func newTerm(s *sink, now time.Time) *term {
	delivery := s.config.DeliveryTimeout
	t := &term{sink: s, until: now.Add(delivery / termsADelivery), drained: make(chan struct{})}
	t.ctx, t.cancel = context.WithDeadlineCause(context.Background(), now.Add(delivery), errDelivery)
	if s.grace > 0 {
		t.watch(delivery + s.grace)
	}
	return t
}

// termsADelivery is how many terms there are in a delivery timeout: a record may end by that part earlier.
const termsADelivery = 16

// join counts n records in, unless the term is sealed.
func (t *term) join(n int64) bool {
	t.joined.Add(n)
	if !t.sealed.Load() {
		return true
	}
	t.joined.Add(-n)
	t.settle()
	return false
}

// leave counts a record out.
func (t *term) leave() {
	t.left.Add(1)
	if t.sealed.Load() {
		t.settle()
	}
}

// seal lets nobody join any more.
func (t *term) seal() {
	t.sealed.Store(true)
	t.settle()
}

// settle ends a sealed term that is drained. Left is read first: if it is joined then, nobody is inside.
func (t *term) settle() {
	if left := t.left.Load(); left == t.joined.Load() && t.over.CompareAndSwap(false, true) {
		t.unwatch()
		t.cancel()
		close(t.drained)
	}
}
