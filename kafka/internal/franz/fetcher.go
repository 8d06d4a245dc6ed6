package franz

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	// patience is how long a poll waits for partitions that were paused just now. A handler that keeps up resumes sooner.
	// Pausing in franz-go costs the answer that is under way, since franz-go throws away what it has of a paused partition.
	patience = 5 * time.Millisecond
	// inspectEvery is how often topics are looked at that may have been deleted, unless metadata is even younger.
	inspectEvery = 2 * time.Second
	// closePatience is how long Close lets the client finish what it is doing with brokers: it may end no later than a
	// member that leaves its group.
	closePatience = leavePatience
)

// A fetcher is an engine.Fetcher: a kgo.Client that reads partitions directly. One goroutine does everything with the
// client, so that no block of an earlier Add can come after it: what callers ask is queued and interrupts the poll.
type fetcher struct {
	native      *kgo.Client
	receiver    engine.Receiver
	uncommitted bool
	base        context.Context // ends with Close
	stop        context.CancelFunc
	cut         context.CancelFunc // ends the client's connections
	ended       chan struct{}
	wake        chan struct{} // holds one: orders have come

	mu        sync.Mutex // guards what follows
	orders    map[engine.Partition]order
	interrupt context.CancelFunc // ends the poll under way

	// The goroutine's own.
	poll    context.Context
	places  map[engine.Partition]*place
	slack   map[engine.Partition]struct{} // paused by the Receiver, but not yet in the client
	until   time.Time                     // then they are paused in the client
	broken  map[engine.Partition]struct{} // stand still, and are to be removed from the client
	missing map[string]int                // topics that metadata does not know, and at how many inspections
	stale   map[string]struct{}           // topics of which the client keeps an id that is no longer theirs
	every   time.Duration                 // between inspections
	next    time.Time                     // of the next inspection
}

// OpenFetcher opens a client of its own. Nothing is dialled before the first Add.
func (c *client) OpenFetcher(r engine.Receiver, config engine.FetchConfig) (engine.Fetcher, error) {
	options, err := fetchOptions(c.settings, config.Member)
	if err != nil {
		return nil, err
	}
	alive, cut := context.WithCancel(context.Background())
	native, err := kgo.NewClient(append(options, kgo.WithContext(alive))...)
	if err != nil {
		cut()
		return nil, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
	}
	f := &fetcher{
		native: native, receiver: r, uncommitted: c.settings.Uncommitted, cut: cut,
		every: min(inspectEvery, c.settings.MetadataMaxAge),
		ended: make(chan struct{}), wake: make(chan struct{}, 1),
		orders:    make(map[engine.Partition]order),
		interrupt: func() {},
		places:    make(map[engine.Partition]*place),
		slack:     make(map[engine.Partition]struct{}),
		broken:    make(map[engine.Partition]struct{}),
		missing:   make(map[string]int),
		stale:     make(map[string]struct{}),
	}
	f.base, f.stop = context.WithCancel(context.Background())
	go f.run()
	return f, nil
}

func fetchOptions(s engine.Settings, member string) ([]kgo.Opt, error) {
	options, err := common(s, member)
	if err != nil {
		return nil, err
	}
	isolation := kgo.ReadCommitted()
	if s.Uncommitted {
		isolation = kgo.ReadUncommitted()
	}
	return append(options,
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords(),
		kgo.FetchMinBytes(s.FetchMinBytes),
		kgo.FetchMaxBytes(s.FetchMaxBytes),
		kgo.FetchMaxWait(s.FetchMaxWait),
		kgo.FetchMaxPartitionBytes(s.PartitionBytes),
		kgo.MaxDecompressBatchBytes(int(s.DecompressBytes)),
		kgo.RetryBackoffFn(fetchBackoff),
	), nil
}

// fetchBackoff is how long the client waits after so many failures of a broker, or of a topic that a broker does not know.
func fetchBackoff(failures int) time.Duration {
	const first, longest = 100 * time.Millisecond, time.Second
	backoff := min(first<<min(failures-1, 10), longest)
	return backoff - rand.N(backoff/4)
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

// Close ends the goroutine, and then the client, which tells brokers that its fetch sessions are over.
func (f *fetcher) Close() {
	f.stop()
	impatient := time.AfterFunc(closePatience, f.cut)
	<-f.ended
	f.native.Close()
	impatient.Stop()
	f.cut()
}

// order lets write queue orders and interrupts the poll.
func (f *fetcher) order(write func(map[engine.Partition]order)) {
	f.mu.Lock()
	write(f.orders)
	interrupt := f.interrupt
	f.mu.Unlock()
	interrupt()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fetcher) run() {
	defer close(f.ended)
	for f.base.Err() == nil {
		f.obey(f.taken())
		if !f.patient() {
			continue
		}
		ctx := f.listen()
		if ctx == nil {
			continue
		}
		f.distribute(f.native.PollFetches(ctx))
		f.inspect()
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

// patient gives handlers a moment to catch up before what they did not keep up with is paused in the client. It returns
// false if orders have come meanwhile.
func (f *fetcher) patient() bool {
	if len(f.slack) == 0 {
		return true
	}
	timer := time.NewTimer(time.Until(f.until))
	defer timer.Stop()
	select {
	case <-f.wake:
		return false
	case <-f.base.Done():
		return false
	case <-timer.C:
	}
	f.native.PauseFetchPartitions(byTopic(f.slack))
	for p := range f.slack {
		f.places[p].paused = true
	}
	clear(f.slack)
	return true
}

// listen returns a context for the next poll, which ends with the next order or in time to inspect; nil if an order has
// come already.
func (f *fetcher) listen() context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.orders) > 0 {
		return nil
	}
	if f.poll == nil || f.poll.Err() != nil {
		f.interrupt()
		f.poll, f.interrupt = context.WithTimeout(f.base, f.every)
	}
	return f.poll
}
