package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// Sources are the open sources of one backend: it refuses a member's name that is alive, abandons by name, and closes
// all. The zero Sources is empty. Methods may be called from many goroutines.
type Sources struct {
	mu     sync.Mutex // guards what follows
	open   []*Source
	closed bool
}

// add makes s known, if its name is free. Readings without a group share no names.
func (r *Sources) add(s *Source) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return stream.ErrClosed
	}
	if s.config.Group != "" && r.find(s.config.Group, s.config.Member) != nil {
		return fmt.Errorf("%w: member %.80q is alive in group %.80q", stream.ErrInvalid, s.config.Member, s.config.Group)
	}
	r.open = append(r.open, s)
	return nil
}

// find returns the source of that name. The caller holds r.mu.
func (r *Sources) find(group, member string) *Source {
	for _, s := range r.open {
		if s.config.Group == group && s.config.Member == member {
			return s
		}
	}
	return nil
}

func (r *Sources) remove(s *Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = slices.DeleteFunc(r.open, func(other *Source) bool { return other == s })
}

// Abandon does to a member what kill -9 does to its process. A name that is not alive is ErrNotFound.
func (r *Sources) Abandon(group, member string) error {
	r.mu.Lock()
	s := r.find(group, member)
	r.mu.Unlock()
	if s == nil {
		return &stream.Error{Op: "abandon", Err: fmt.Errorf("%w: no such member is alive", stream.ErrNotFound)}
	}
	s.Abandon()
	return nil
}

// Close ends every source as Source.Shut does, all at a time, and refuses new ones.
func (r *Sources) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	open := slices.Clone(r.open)
	r.mu.Unlock()
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, s := range open {
		wg.Go(func() { errs[i] = s.Shut(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
