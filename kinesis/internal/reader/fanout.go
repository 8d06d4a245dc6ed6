package reader

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

const (
	// silence ends a subscription: the service sends an event every 5 s or so, even if there is nothing to tell.
	silence = 35 * time.Second
	// callEvery bounds calls: the service allows one a second for each consumer and shard.
	callEvery = time.Second
	// takeOver is how long after a successful call the service refuses the next one (ResourceInUseException). Later, the new
	// subscription ends the old one.
	takeOver = 5 * time.Second
	// longestGap is the longest wait between subscriptions that bring nothing.
	longestGap = 30 * time.Second
	// attempts is how many subscriptions in a row may bring nothing before the shard is polled.
	attempts = 5
	// pollingTime is how long it is polled before the next attempt.
	pollingTime = 5 * time.Minute
)

// errSilent says that nothing came for so long that the connection must be dead.
var errSilent = errors.New("no event in 35 s")

// FanOut reads a shard by SubscribeToShard. Where that does not work it polls for a while.
type FanOut struct {
	config Config
	life   life

	// Of Next's caller.
	place     *place
	due       time.Time // before it nothing is subscribed
	failures  int       // subscriptions in a row that brought nothing
	brought   bool      // the one that is open has brought an event
	retried   bool      // the place was refused, and the one before it is tried
	contested bool      // somebody took the subscription, or holds it
	poll      *Polling  // while fan-out does not work
	until     time.Time // then it is tried again
	ended     bool

	mu     sync.Mutex // guards what follows
	open   api.Subscription
	closed bool
}

var _ Reader = (*FanOut)(nil)

// Subscribe returns a reader that is pushed records. Nothing is asked of the service before the first Next.
func Subscribe(c Config) *FanOut {
	at := newPlace(c.From)
	return &FanOut{config: c.filled(), life: newLife(), place: &at}
}

// Next implements Reader.
func (f *FanOut) Next(ctx context.Context) (api.Page, error) {
	if f.ended {
		return api.Page{}, io.EOF
	}
	joined, done := f.life.join(ctx)
	defer done()
	page, err := f.next(joined)
	if err != nil {
		return api.Page{}, f.life.cause(ctx, err)
	}
	f.ended = page.End
	return page, nil
}

// Close ends the subscription, and a Next under way with stream.ErrClosed.
func (f *FanOut) Close() error {
	f.life.end()
	f.mu.Lock()
	f.closed = true
	open := f.open
	f.open = nil
	f.mu.Unlock()
	if open == nil {
		return nil
	}
	return open.Close()
}

func (f *FanOut) next(ctx context.Context) (api.Page, error) {
	for {
		if f.poll != nil && time.Now().Before(f.until) {
			return f.poll.next(ctx)
		}
		page, err := f.receive(ctx)
		if err == nil {
			f.accept(&page)
			return page, nil
		}
		if ctx.Err() != nil {
			return api.Page{}, ctx.Err() // the subscription stays
		}
		f.drop()
		if mutated("connection end is shard end") && errors.Is(err, io.EOF) {
			return api.Page{End: true}, nil
		}
		if err := f.overcome(ctx, err); err != nil {
			return api.Page{}, err
		}
	}
}

// receive waits for the next page of the subscription, which it opens if there is none.
func (f *FanOut) receive(ctx context.Context) (api.Page, error) {
	open := f.current()
	if open == nil {
		var err error
		if open, err = f.subscribe(ctx); err != nil {
			return api.Page{}, err
		}
	}
	alive, cancel := context.WithTimeoutCause(ctx, silence, errSilent)
	defer cancel()
	page, err := open.Next(alive)
	if err != nil && ctx.Err() == nil && alive.Err() != nil {
		return api.Page{}, errSilent
	}
	return page, err
}

// accept makes a page the caller's.
func (f *FanOut) accept(page *api.Page) {
	if f.poll != nil {
		f.poll = nil
		f.config.changed(errReturned)
	}
	f.brought, f.retried, f.failures = true, false, 0
	if !page.End {
		page.Children = nil
	}
	f.place.admit(page)
}

// subscribe calls when it is due. Ctx bounds the call; the subscription lives until it is dropped.
func (f *FanOut) subscribe(ctx context.Context) (api.Subscription, error) {
	if err := pause(ctx, f.due); err != nil {
		return nil, err
	}
	if f.contested {
		if err := f.config.Verify(ctx); err != nil {
			return nil, err
		}
		f.contested = false
	}
	f.brought = false
	f.due = time.Now().Add(callEvery)
	bound, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	open, err := f.config.Service.Subscribe(bound, f.config.Consumer.ARN(), f.config.Shard, f.place.pushed())
	inTime := stop()
	if err != nil {
		cancel()
		return nil, err
	}
	f.due = time.Now().Add(takeOver)
	open = held{open, cancel}
	if !inTime || !f.adopt(open) {
		_ = open.Close() // what it says is of no use to anybody
		return nil, context.Canceled
	}
	return open, nil
}

// A held subscription ends its context with itself.
type held struct {
	api.Subscription
	cancel context.CancelFunc
}

// Close ends the subscription.
func (h held) Close() error {
	defer h.cancel()
	return h.Subscription.Close()
}

func (f *FanOut) current() api.Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

// adopt keeps a subscription; false if the reader was closed in the meantime.
func (f *FanOut) adopt(open api.Subscription) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.open = open
	return true
}

// drop closes the subscription, if there is one.
func (f *FanOut) drop() {
	f.mu.Lock()
	open := f.open
	f.open = nil
	f.mu.Unlock()
	if open != nil {
		_ = open.Close() // it has said what it had to say
	}
}
