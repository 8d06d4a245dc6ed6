package reader

import (
	"context"
	"io"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// How long to wait after a failure, doubled each time.
const (
	throttleWait = time.Second // the service refuses for the rest of a second at least
	failureWait  = 250 * time.Millisecond
	longestWait  = 10 * time.Second
)

// refreshes is how many iterators in a row may expire before that is an error.
const refreshes = 3

// Polling reads a shard by GetRecords.
type Polling struct {
	config Config
	life   life

	// Of Next's caller.
	place     *place
	appetite  appetite
	iterator  string    // "": to be asked for
	called    time.Time // when records were last asked for
	due       time.Time // before it nothing is asked
	trouble   trouble
	refreshed int  // iterators in a row that served for nothing
	failed    bool // for a mutant
	doubted   bool // the end was told without children, and is asked for again
	ended     bool
}

var _ Reader = (*Polling)(nil)

// Poll returns a reader that polls. Nothing is asked of the service before the first Next.
func Poll(c Config) *Polling {
	at := newPlace(c.From)
	return poll(c.filled(), &at)
}

func poll(c Config, at *place) *Polling { return &Polling{config: c, life: newLife(), place: at} }

// Next implements Reader. It waits for its turn before it asks, so that a page is as fresh as can be.
func (p *Polling) Next(ctx context.Context) (api.Page, error) {
	if p.ended {
		return api.Page{}, io.EOF
	}
	joined, done := p.life.join(ctx)
	defer done()
	page, err := p.next(joined)
	if err != nil {
		return api.Page{}, p.life.cause(ctx, err)
	}
	return page, nil
}

// Close ends reading, and a Next under way with stream.ErrClosed.
func (p *Polling) Close() error {
	p.life.end()
	return nil
}

func (p *Polling) next(ctx context.Context) (api.Page, error) {
	for {
		if err := pause(ctx, p.due); err != nil {
			return api.Page{}, err
		}
		page, err := p.read(ctx)
		if err == nil {
			p.accept(&page)
			return page, nil
		}
		if ctx.Err() != nil {
			return api.Page{}, ctx.Err()
		}
		if err := p.overcome(err); err != nil {
			return api.Page{}, err
		}
	}
}

// read makes a call, and more if that is needed to know the shard's end.
func (p *Polling) read(ctx context.Context) (api.Page, error) {
	c := p.config
	p.due = time.Now().Add(c.gap())
	if p.iterator == "" {
		iterator, err := c.Service.Iterator(ctx, c.Stream, c.Shard, p.from())
		if err != nil {
			return api.Page{}, err
		}
		p.iterator = iterator
	}
	p.called = time.Now()
	p.due = p.called.Add(c.gap())
	page, err := c.Service.Records(ctx, c.Stream, p.iterator, p.appetite.limit(c.Limit, c.Room()))
	if err == nil && page.End && len(page.Children) == 0 {
		page.Children, err = p.heirs(ctx)
	}
	return page, err
}

// from is where a new iterator begins. The tip is never looked for again.
func (p *Polling) from() api.From {
	switch {
	case p.failed && mutated("read error → latest"):
		return api.From{Kind: api.Latest}
	case p.refreshed > 0 && mutated("expired iterator from the beginning"):
		*p.place = newPlace(api.From{Kind: api.Oldest})
	}
	return p.place.polled()
}

// accept makes a page the caller's.
func (p *Polling) accept(page *api.Page) {
	p.iterator = page.Next
	p.trouble.over()
	p.refreshed, p.failed, p.doubted = 0, false, false
	p.appetite.learn(*page)
	wait := p.config.Every
	if page.Behind > 0 {
		wait = p.config.gap()
	}
	p.due = p.called.Add(max(wait, digest(page.Bytes)))
	p.ended = page.End
	if !page.End {
		page.Children = nil
	}
	p.place.admit(page)
}

// overcome decides what follows an error: nil to go on when it is due.
func (p *Polling) overcome(err error) error {
	p.failed = true
	if mutated("read error → latest") {
		p.iterator = ""
	}
	switch kindOf(err) {
	case throttled:
		return p.later(throttleWait, err, p.config.throttled)
	case passing:
		return p.later(failureWait, err, nil)
	case expired:
		return p.refresh(refreshes, err)
	case refused:
		return p.refresh(1, err)
	case missing:
		p.iterator = ""
	}
	return err
}

// later waits, unless patience is over.
func (p *Polling) later(first time.Duration, err error, tell func(time.Duration, error)) error {
	wait, more := p.trouble.again(first, longestWait)
	if more {
		wait = max(p.config.Jitter(wait), first)
	}
	if tell != nil {
		tell(wait, err)
	}
	p.due = time.Now().Add(wait)
	if !more {
		return err
	}
	return nil
}

// refresh asks for a new iterator, so many times in a row.
func (p *Polling) refresh(most int, err error) error {
	had := p.iterator != ""
	p.iterator = ""
	if !had || p.refreshed >= most || p.place.adrift() { // the place itself is refused, or nothing helps
		p.refreshed = 0
		return err
	}
	p.refreshed++
	return nil
}
