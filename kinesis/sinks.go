package kinesis

import (
	"context"
	"errors"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// sinks are the open sinks of one backend. Methods may be called from many goroutines.
type sinks struct {
	mu     sync.Mutex // guards what follows
	open   map[stream.Sink]bool
	closed bool
}

// add keeps s and returns it so that it is forgotten when it is closed, and release is called then. After Close s is closed
// at once, and the error is stream.ErrClosed.
func (k *sinks) add(s stream.Sink, release func()) (stream.Sink, error) {
	k.mu.Lock()
	closed := k.closed
	if !closed {
		if k.open == nil {
			k.open = map[stream.Sink]bool{}
		}
		k.open[s] = true
	}
	k.mu.Unlock()
	if closed {
		defer release()
		return nil, errors.Join(stream.ErrClosed, s.Close(ended()))
	}
	return kept{s, func() {
		k.mu.Lock()
		delete(k.open, s)
		k.mu.Unlock()
		release()
	}}, nil
}

// Close ends every sink: records that have no answer yet fail, as unknown where they were sent.
func (k *sinks) Close() {
	k.mu.Lock()
	k.closed = true
	open := k.open
	k.open = nil
	k.mu.Unlock()
	var wg sync.WaitGroup
	for s := range open {
		wg.Go(func() { _ = s.Close(ended()) }) // what failed is told to each record's done
	}
	wg.Wait()
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(stream.ErrClosed)
	return ctx
}

// A kept is a sink that its backend knows.
type kept struct {
	stream.Sink
	forget func()
}

// Close closes the sink.
func (s kept) Close(ctx context.Context) error {
	defer s.forget()
	return s.Sink.Close(ctx)
}
