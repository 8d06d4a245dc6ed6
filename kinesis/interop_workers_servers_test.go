//go:build servers

package kinesis_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A goWorker is a member of this library's that tells the history what it does.
type goWorker struct {
	i       *interop
	tell    func(happening)
	name    string
	every   int           // it checkpoints after so many records, or after all that came
	slow    time.Duration // a record takes so long
	backend *kinesis.Backend
	stop    context.CancelFunc
	ended   chan error // what Run returned
}

// goJoins starts a member. It is killed or stopped before the test ends.
func (i *interop) goJoins(t *testing.T, name string, every int, slow time.Duration) *goWorker {
	t.Helper()
	w := &goWorker{
		i: i, tell: i.add, name: name, every: every, slow: slow,
		backend: openConfig(t, i.config(t)), ended: make(chan error, 1),
	}
	c := w.consumer(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var once sync.WaitGroup
	once.Go(func() { w.ended <- c.Run(ctx, w.handle) })
	w.stop = cancel
	t.Cleanup(func() {
		cancel()
		once.Wait()
	})
	return w
}

func (w *goWorker) consumer(t *testing.T) stream.Consumer {
	c, err := stream.NewConsumer(t.Context(), w.backend, stream.ConsumerConfig{
		Group: w.i.app, Member: w.name, Streams: []string{w.i.stream},
		Observe: func(e stream.Event) {
			if e.Kind == stream.EventGap {
				w.tell(happening{kind: "record", worker: w.name + ": " + e.Kind, shard: e.Partition}) // no rule allows it
			}
		},
	})
	require.NoError(t, err)
	return c
}

func (w *goWorker) handle(ctx context.Context, p *stream.Partition) error {
	say := func(kind string) { w.tell(happening{kind: kind, worker: w.name, shard: p.Name}) }
	say("granted")
	for recs, err := range p.Batches(ctx, w.every, 0) {
		if err != nil {
			return err
		}
		for n := range recs {
			r := &recs[n]
			w.tell(happening{"record", w.name, p.Name, r.Position, string(r.Key), string(r.Value)})
			if err := labour(ctx, w.slow); err != nil {
				return err
			}
		}
		if err := p.Checkpoint(ctx, &recs[len(recs)-1]); err != nil {
			return err
		}
		say("saved")
	}
	if p.Ended() {
		say("ended")
	}
	return nil
}

// labour is the work that a record makes.
func labour(ctx context.Context, d time.Duration) error {
	work := time.NewTimer(d)
	defer work.Stop()
	select {
	case <-work.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave stops the member in order.
func (w *goWorker) leave(t *testing.T) {
	t.Helper()
	w.stop()
	require.NoError(t, <-w.ended)
}

// die ends the member as kill -9 does: it gives nothing back.
func (w *goWorker) die(t *testing.T) {
	t.Helper()
	require.NoError(t, w.backend.Abandon(w.i.app, w.name))
	require.ErrorIs(t, <-w.ended, stream.ErrClosed)
}

// A javaWorker is a worker of Amazon's client library that tells the history what it does.
type javaWorker struct {
	*testenv.KCL
	log  *journal
	done chan struct{} // closed when it has ended
}

// javaJoins starts a worker. What concerns the fleet is filled in.
func (i *interop) javaJoins(t *testing.T, c testenv.KCLConfig) *javaWorker {
	t.Helper()
	w := &javaWorker{log: &journal{}, done: make(chan struct{})}
	c.Stream, c.Table, c.Kinesis, c.DynamoDB = i.stream, i.app, i.way[0], i.way[1]
	c.Failover, c.Log = failover, w.log
	w.KCL = testenv.RunKCL(t, c)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(w.done)
		for {
			e, err := w.Next(context.Background()) // its end is the worker's
			if err != nil {
				return
			}
			i.told(c.Worker, e)
		}
	})
	t.Cleanup(func() {
		w.Stop()
		reading.Wait()
	})
	return w
}

// told notes what a Java worker told.
func (i *interop) told(worker string, e testenv.KCLEvent) {
	at, _ := shard.Position(e.Sequence, uint32(e.Sub))
	switch e.Kind {
	case "granted", "record", "saved", "ended":
		i.add(happening{e.Kind, worker, e.Shard, at, e.Key, string(e.Data)})
	}
}

// die kills the process, and returns when all that it had told is known.
func (w *javaWorker) die(t *testing.T) {
	t.Helper()
	require.NoError(t, w.Kill())
	<-w.done
}

// requireSound requires that the library met nothing in the table that it could not read.
func (w *javaWorker) requireSound(t *testing.T) {
	t.Helper()
	for _, bad := range []string{"NullPointerException", "NumberFormatException"} {
		require.NotContains(t, w.log.String(), bad)
	}
}

// A journal keeps what is written to it. Methods may be called from many goroutines.
type journal struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (r *journal) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *journal) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
