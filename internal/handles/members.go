package handles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A Member is an open source, under the name that it has in its group.
type Member interface {
	Name() (group, member string) // group is "" for a reading without one
	Abandon()                     // ends it as kill -9 ends a process
	Shut(ctx context.Context) error
}

// Members are the open sources of one backend: it refuses a member's name that is alive, abandons by name, and closes all.
// The zero Members is empty. Methods may be called from many goroutines.
type Members struct {
	mu     sync.Mutex // guards what follows
	open   []Member
	closed bool
}

// Add makes m known, if its name is free. Readings without a group share no names.
func (r *Members) Add(m Member) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return stream.ErrClosed
	}
	if group, member := m.Name(); group != "" && r.find(group, member) != nil {
		return fmt.Errorf("%w: member %.80q is alive in group %.80q", stream.ErrInvalid, member, group)
	}
	r.open = append(r.open, m)
	return nil
}

// find returns the source of that name. The caller holds r.mu.
func (r *Members) find(group, member string) Member {
	for _, m := range r.open {
		if g, n := m.Name(); g == group && n == member {
			return m
		}
	}
	return nil
}

// Remove forgets m.
func (r *Members) Remove(m Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(other Member) bool { return other == m })
}

// Abandon does to a member what kill -9 does to its process. A name that is not alive is ErrNotFound.
func (r *Members) Abandon(group, member string) error {
	r.mu.Lock()
	m := r.find(group, member)
	r.mu.Unlock()
	if m == nil {
		return &stream.Error{Op: "abandon", Err: fmt.Errorf("%w: no such member is alive", stream.ErrNotFound)}
	}
	m.Abandon()
	return nil
}

// Close ends every source as its Shut does, all at a time, and refuses new ones.
func (r *Members) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	open := slices.Clone(r.open)
	r.mu.Unlock()
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, m := range open {
		wg.Go(func() { errs[i] = m.Shut(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
