package franz

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A staging stops franz-go while it makes a request of batches of two partitions, between the two. It does so by the
// contexts of records, which franz-go asks when it puts their batch into a request, partition by partition, each request
// beginning with another partition than the one before. The partitions are of different topics, since whoever appends to a
// topic waits for the others who do.
type staging struct {
	sink    *sink
	asked   atomic.Int32  // how often the batch was asked that is under way
	ahead   atomic.Int32  // batches of the one partition since the last one of the other
	begun   chan struct{} // closed when franz-go has stopped before the first of these requests
	proceed func()        // lets it go on
	between chan struct{} // closed when it has stopped between the two
	resume  func()        // lets it go on
	begin   func()
	stop    func()
	appends sync.WaitGroup
}

func newStaging(t testing.TB, opened stream.Sink) *staging {
	s := &staging{sink: opened.(*sink), begun: make(chan struct{}), between: make(chan struct{})}
	s.begin, s.proceed = stop(s.begun)
	s.stop, s.resume = stop(s.between)
	t.Cleanup(s.appends.Wait)
	t.Cleanup(s.resume)
	t.Cleanup(s.proceed)
	return s
}

// stop returns a function that stops its first caller, and one that lets it go on.
func stop(stopped chan struct{}) (halt, resume func()) {
	free := make(chan struct{})
	halt = sync.OnceFunc(func() {
		close(stopped)
		<-free
	})
	return halt, sync.OnceFunc(func() { close(free) })
}

// arrange has batches of one partition wait behind the one that is under way, and stops franz-go when it has put one of
// them into a request. Both partitions have more, of which every request takes one each.
func (s *staging) arrange(t testing.TB, waiting, other []*stream.Record, done func(stream.Ack, error)) {
	s.watch(func() {
		s.begin()
		if s.ahead.Swap(0) > 1 { // the last one is in this request
			s.stop()
		}
	})
	s.appends.Go(func() { s.sink.Append(context.Background(), other, done) })
	passes(t, s.begun)
	s.watch(func() { s.ahead.Add(1) })
	s.sink.Append(t.Context(), waiting, done)
	s.sink.sealed() // later records have terms of their own again
	s.proceed()
	passes(t, s.between)
}

// watch has the records that are appended next ask.
func (s *staging) watch(asked func()) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.seal()
	now := time.Now()
	fresh := newTerm(s.sink, now)
	fresh.until, fresh.ctx = now.Add(time.Hour), askedContext{fresh.ctx, asked}
	s.sink.terms = append(s.sink.terms, fresh)
	s.sink.current.Store(fresh)
}

type askedContext struct {
	context.Context
	asked func()
}

func (c askedContext) Done() <-chan struct{} {
	c.asked()
	return c.Context.Done()
}

func passes(t testing.TB, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(20 * time.Second):
		require.Fail(t, "the event has not come")
	}
}

// large makes records of which each needs a batch of its own if batches have 600 bytes.
func large(topic, key string, n int) []*stream.Record {
	recs := keyed(topic, key, n)
	for _, r := range recs {
		r.Partition = "0"
		r.Value = append(r.Value, strings.Repeat(".", 400)...)
	}
	return recs
}

// held is a handler of logs that waits with errors until it is freed.
type held struct {
	slog.Handler
	free chan struct{}
}

func (h held) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		<-h.free
	}
	return nil
}
