package handles

import (
	"context"
	"errors"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// Sinks are the open sinks of one backend. The zero Sinks is empty. Methods may be called from many goroutines.
type Sinks struct {
	mu     sync.Mutex // guards what follows
	open   map[stream.Sink]bool
	closed bool
}

// Add keeps s and returns it so that it is forgotten when it is closed, and release is called then. After Close s is closed
// at once, and the error is stream.ErrClosed.
func (k *Sinks) Add(s stream.Sink, release func()) (stream.Sink, error) {
	k.mu.Lock()
	closed := k.closed
	if !closed {
		if k.open == nil {
			k.open = map[stream.Sink]bool{}
		}
		k.open[s] = true
	}
	k.mu.Unlock()
	forget := func() {
		k.remove(s)
		release()
	}
	if closed {
		defer release()
		return nil, errors.Join(stream.ErrClosed, s.Close(ended()))
	}
	if tx, ok := s.(stream.TxSink); ok {
		return keptTx{tx, forget}, nil
	}
	return kept{s, forget}, nil
}

func (k *Sinks) remove(s stream.Sink) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, s)
}

// Close ends every sink: records that have no answer yet fail, as unknown where they were sent.
func (k *Sinks) Close() {
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

// A keptTx is a sink for transactions that its backend knows.
type keptTx struct {
	stream.TxSink
	forget func()
}

// Close closes the sink.
func (s keptTx) Close(ctx context.Context) error {
	defer s.forget()
	return s.TxSink.Close(ctx)
}
