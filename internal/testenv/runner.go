package testenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// runner is a place for one process at a time, which may be ended and started again. Its methods may be called from
// many goroutines.
type runner struct {
	turn chan struct{} // held by the one who starts or ends the process

	mu      sync.Mutex // guards what follows
	process *process   // nil before the first start
	paused  bool
	closed  bool
}

func newRunner() *runner { return &runner{turn: make(chan struct{}, 1)} }

// start runs cmd unless a process runs. What it writes goes to the end of the file at log and, if not nil, to also.
func (r *runner) start(cmd *exec.Cmd, log string, also io.Writer) error {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	if r.live() != nil {
		return nil
	}
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return errStopped
	}
	p, err := launch(cmd, log, also)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process, r.paused = p, false
	return nil
}

// live is the running process, or nil.
func (r *runner) live() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil || !r.process.running() {
		return nil
	}
	return r.process
}

// answers is whether the process runs and is not paused.
func (r *runner) answers() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process != nil && r.process.running() && !r.paused
}

// kill ends the process at once, if one runs.
func (r *runner) kill() error {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	if p := r.live(); p != nil {
		return p.kill()
	}
	return nil
}

// close ends the process and lets no other start.
func (r *runner) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	return r.kill()
}

// terminateLimit bounds a controlled shutdown, which waits for ever for a quorum that has gone.
const terminateLimit = 30 * time.Second

// terminate asks the process to end and waits; past terminateLimit it is killed, which is an error.
func (r *runner) terminate() error {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	p := r.live()
	if p == nil {
		return nil
	}
	if err := terminate(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	limit := time.NewTimer(terminateLimit)
	defer limit.Stop()
	select {
	case <-p.done:
		return nil
	case <-limit.C:
		return errors.Join(fmt.Errorf("still running %v after SIGTERM, killed", terminateLimit), p.kill())
	}
}

// pause stops the process without ending it; resume lets it go on.
func (r *runner) pause() error  { return r.signal(pause, true) }
func (r *runner) resume() error { return r.signal(resume, false) }

func (r *runner) signal(send func(*os.Process) error, paused bool) error {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	p := r.live()
	if p == nil {
		return errNotRunning
	}
	if err := send(p.cmd.Process); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
	return nil
}
