package kafkago

import (
	"context"
	"sync"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A fetcher is an engine.Fetcher. One goroutine owns all of its state, obeys orders and calls the Receiver. For what has to
// wait for brokers it starts others: at most two fetches of each leader, and one question for metadata. They tell the owner
// what they got, and end with it.
type fetcher struct {
	lines    *lines
	receiver engine.Receiver
	settings engine.Settings
	expander *expander
	base     context.Context // ends with Close
	stop     context.CancelFunc
	ended    chan struct{}
	wake     chan struct{} // holds one: orders have come
	answers  chan haul
	charts   chan chart
	named    chan naming
	helpers  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	orders map[engine.Partition]order

	// The owner's own.
	transport *segmentio.Transport // nil: nothing was added yet
	topics    map[string]*subject  // that the transport knows
	places    map[engine.Partition]*place
	leaders   map[int32]*leader
	served    uint64 // counts answers that brought something
	looking   bool   // metadata is being asked for
	unled     bool   // there are places that no leader was looked up for
	looked    time.Time
	looks     int           // in a row that searched for leaders
	every     time.Duration // between looks when all is well
}

// OpenFetcher opens connections of its own. Nothing is dialled before the first Add.
func (c *client) OpenFetcher(r engine.Receiver, config engine.FetchConfig) (engine.Fetcher, error) {
	lines, err := newLines(c.settings, config.Member)
	if err != nil {
		return nil, err
	}
	f := &fetcher{
		lines: lines, receiver: r, settings: c.settings,
		expander: newExpander(c.settings.DecompressBytes),
		ended:    make(chan struct{}), wake: make(chan struct{}, 1),
		answers: make(chan haul), charts: make(chan chart), named: make(chan naming),
		orders:  make(map[engine.Partition]order),
		topics:  make(map[string]*subject),
		places:  make(map[engine.Partition]*place),
		leaders: make(map[int32]*leader),
		every:   min(inspectEvery, c.settings.MetadataMaxAge),
	}
	f.base, f.stop = context.WithCancel(context.Background())
	go f.run()
	return f, nil
}

// Add queues the partitions.
func (f *fetcher) Add(at map[engine.Partition]engine.Offset, number int64) {
	f.order(func(orders map[engine.Partition]order) {
		for p, offset := range at {
			orders[p] = order{change: added, at: offset, number: number, pause: resumed}
		}
	})
}

// Remove queues the end of the partitions.
func (f *fetcher) Remove(ps ...engine.Partition) {
	f.order(func(orders map[engine.Partition]order) {
		for _, p := range ps {
			orders[p] = order{change: removed, pause: resumed}
		}
	})
}

// Pause queues a pause.
func (f *fetcher) Pause(ps ...engine.Partition) { f.pause(paused, ps) }

// Resume queues the end of a pause.
func (f *fetcher) Resume(ps ...engine.Partition) { f.pause(resumed, ps) }

func (f *fetcher) pause(to pausing, ps []engine.Partition) {
	f.order(func(orders map[engine.Partition]order) {
		for _, p := range ps {
			o := orders[p]
			o.pause = to
			orders[p] = o
		}
	})
}

// Close ends the goroutines, and then the connections.
func (f *fetcher) Close() {
	f.stop()
	<-f.ended
	f.lines.close()
	f.expander.close()
}

// order lets write queue orders, and wakes the owner.
func (f *fetcher) order(write func(map[engine.Partition]order)) {
	f.mu.Lock()
	write(f.orders)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fetcher) run() {
	defer close(f.ended)
	defer f.helpers.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.base.Err() == nil {
		f.obey(f.taken())
		now := time.Now()
		timer.Reset(min(f.look(now), f.identify(now), f.launch(now)))
		select {
		case <-f.wake:
		case a := <-f.answers:
			f.answered(a)
		case c := <-f.charts:
			f.charted(c)
		case i := <-f.named:
			f.identified(i)
		case <-timer.C:
		case <-f.base.Done():
		}
	}
}

// taken returns what was ordered since the last time.
func (f *fetcher) taken() map[engine.Partition]order {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.orders) == 0 {
		return nil
	}
	orders := f.orders
	f.orders = make(map[engine.Partition]order)
	return orders
}
