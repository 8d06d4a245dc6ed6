package field

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/streamport-go/streamport/internal/verify/client"
)

// workFlag is the argument that makes this executable a worker; its order follows, as JSON.
const workFlag = "-field-worker"

// An order says what a worker does.
type order struct {
	Kind    string // "exactly", "long" or "kinesis"
	Name    string // of the member; also of its producer, and so of its transactional ids
	Brokers []string
	Streams string // of Kinesis: where it is
	Tables  string // and where DynamoDB is
	Group   string
	Sharing string // kafka.Assignment
	Client  client.Library
	Moves   bool   // who takes its place goes through the other client library
	History string // the folder for the worker's history, of Long
	Begun   int64  // likewise: when the run began, in nanoseconds since 1970
	Life    uint64 // numbers the processes of a run, from 1
	Seed    uint64
	Policy  string // of a worker of Long
	Role    string // likewise
	Mutant  string // of a worker of Exactly: what it does wrong, or nothing
}

// The roles of workers of Long.
const (
	roleMember   = "member"
	roleProducer = "producer"
)

// Work does what a worker was started for, and reports whether this process is one. It returns when standard input ends,
// which it does when the process that started it lets it stop, or dies.
func Work(args []string) (bool, error) {
	if len(args) != 3 || args[1] != workFlag {
		return false, nil
	}
	var o order
	if err := json.Unmarshal([]byte(args[2]), &o); err != nil {
		return true, fmt.Errorf("read the worker's order: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is what counts
		stop()
	}()
	switch o.Kind {
	case kindExactly:
		return true, workExactly(ctx, o)
	case kindLong:
		return true, workLong(ctx, o)
	case kindKinesis:
		return true, workKinesis(ctx, o)
	}
	return true, fmt.Errorf("there is no work %q", o.Kind)
}

// A worker is one process.
type worker struct {
	order order
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when the process has been waited for
	err   error         // its end; read after ended
}

// A fleet is the workers that run. Methods may be called from many goroutines.
type fleet struct {
	log io.Writer // what workers say about errors
	out io.Writer // what they write to their standard output; nil: nothing is read

	mu      sync.Mutex // guards what follows
	workers []*worker
	lives   uint64
}

// start starts a worker.
func (f *fleet) start(o order) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.lives++
	o.Life = f.lives
	f.mu.Unlock()
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	w := &worker{order: o, cmd: exec.Command(self, workFlag, string(text)), ended: make(chan struct{})}
	w.cmd.Stdout, w.cmd.Stderr = f.out, f.log
	w.cmd.SysProcAttr = ownGroup()
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	started := make(chan error, 1)
	go w.run(started) // ends with the process, for which stopAll waits
	if err := <-started; err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workers = append(f.workers, w)
	return nil
}

// run starts the process and waits for it on one thread: the kernel ends a worker with the thread that started it.
func (w *worker) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(w.ended)
	err := w.cmd.Start()
	started <- err
	if err == nil {
		w.err = w.cmd.Wait()
	}
}

// alive are the workers whose processes run, in the order of their start.
func (f *fleet) alive() []*worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workers = slices.DeleteFunc(f.workers, func(w *worker) bool {
		select {
		case <-w.ended:
			return true
		default:
			return false
		}
	})
	return slices.Clone(f.workers)
}

// kill ends a worker as the system does that has no memory left.
func (f *fleet) kill(w *worker) {
	_ = w.cmd.Process.Kill() // it may have ended
	<-w.ended
}

// stop lets a worker end in order.
func (f *fleet) stop(w *worker, patience time.Duration) error {
	f.signal(w, syscall.SIGCONT)
	_ = w.stdin.Close() // it may have ended
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.ended:
		if w.err != nil {
			return fmt.Errorf("worker %s: %w", w.order.Name, w.err)
		}
		return nil
	case <-timer.C:
		f.kill(w)
		return fmt.Errorf("worker %s had not ended after %v", w.order.Name, patience)
	}
}

// stopSenders lets every producer end in order.
func (f *fleet) stopSenders(patience time.Duration) error {
	for _, w := range f.alive() {
		if w.order.Role == roleProducer {
			if err := f.stop(w, patience); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fleet) signal(w *worker, s syscall.Signal) { _ = w.cmd.Process.Signal(s) } // it may have ended

// stopAll lets every worker end in order, at the same time.
func (f *fleet) stopAll(patience time.Duration) error {
	workers := f.alive()
	errs := make([]error, len(workers))
	var stopping sync.WaitGroup
	for i, w := range workers {
		stopping.Go(func() { errs[i] = f.stop(w, patience) })
	}
	stopping.Wait()
	return errors.Join(errs...)
}
