package main

import (
	"context"
	"fmt"
)

// A side is one way to bring records from a producer to a consumer.
type side struct {
	name    string
	records int // to move in one repetition: fewer where a record is slow
	open    func(ctx context.Context, l *load) (session, error)
}

// A session is a side that is open and warmed up. Its methods are called from one goroutine.
type session interface {
	// move produces so many rounds of the load and returns when the consumer has them all. It fails if what came is not
	// what was sent.
	move(ctx context.Context, rounds int) error
	close(ctx context.Context) error
}

// verify compares the sum of what a consumer received with so many rounds of the load.
func (l *load) verify(got uint64, rounds int) error {
	if want := l.sum * uint64(rounds); got != want {
		return fmt.Errorf("the consumer did not receive what was sent: sum %x instead of %x", got, want)
	}
	return nil
}
