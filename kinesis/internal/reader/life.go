package reader

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A life ends with Close, and what a Next waits for ends with it.
type life struct {
	base context.Context // ends with Close
	end  context.CancelFunc
}

func newLife() life {
	base, end := context.WithCancel(context.Background())
	return life{base, end}
}

// join is ctx that ends with the life too. Done must be called.
func (l life) join(ctx context.Context) (joined context.Context, done func()) {
	joined, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.base, cancel)
	return joined, func() { stop(); cancel() }
}

// cause is why Next, which was called with ctx, ends with err.
func (l life) cause(ctx context.Context, err error) error {
	switch {
	case l.base.Err() != nil:
		return stream.ErrClosed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return ctx.Err()
	}
	return err
}

// pause waits until then.
func pause(ctx context.Context, then time.Time) error {
	wait := time.Until(then)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
