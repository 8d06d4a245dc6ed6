package lease

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// update calls the table once, and for no longer than one try may take.
func (m *Manager) update(ctx context.Context, key string, c Change) (Row, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, m.config.tryFor())
	defer cancel()
	r, err := m.config.Store.Update(ctx, key, c)
	m.throttled(key, began, err)
	return r, err
}

// get is a consistent read, likewise.
func (m *Manager) get(ctx context.Context, key string) (Row, bool, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, m.config.tryFor())
	defer cancel()
	r, there, err := m.config.Store.Get(ctx, key)
	m.throttled(key, began, err)
	return r, there, err
}

// throttled tells that the table slows us down.
func (m *Manager) throttled(key string, began time.Time, err error) {
	if errors.Is(err, stream.ErrThrottled) {
		m.config.Observe(stream.Event{
			Kind: stream.EventThrottled, Group: m.config.Group, Member: m.config.Owner, Stream: m.config.Stream, Partition: key,
			Duration: time.Since(began), Err: err,
		})
	}
}

// wait sleeps, unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
