package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A slowBank is a Bank that takes 10 ms for a charge and remembers all. It outlives the service's crashes.
type slowBank struct {
	mu      sync.Mutex // guards what follows
	charged []string   // each order once, in the order in which they were charged
}

// Charge is idempotent, and does nothing when ctx ends before the time is over.
func (b *slowBank) Charge(ctx context.Context, order string) error {
	if !pause(ctx, 10*time.Millisecond) {
		return context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.charged, order) {
		b.charged = append(b.charged, order)
	}
	return nil
}

// audit tells which of the orders were never charged, and which customers' orders were charged in another order than
// they were placed in.
func (b *slowBank) audit(orders []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	last := map[string]string{}
	for _, order := range b.charged {
		customer, _, _ := strings.Cut(order, ",")
		if order < last[customer] {
			errs = append(errs, fmt.Errorf("%s was charged after a later one", order))
		}
		last[customer] = order
	}
	for _, order := range orders {
		if !slices.Contains(b.charged, order) {
			errs = append(errs, fmt.Errorf("%s was never charged", order))
		}
	}
	return errors.Join(errs...)
}

// pause is false if ctx ended before the time was over.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
