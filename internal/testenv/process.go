package testenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// process is one running program. Its methods may be called from many goroutines.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; read after done
}

// locked runs f on a thread of its own, since the kernel ties the death of a child to the thread that started it.
func locked(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- f()
	}()
	return <-done
}

// launch starts cmd; what it writes goes to the end of the file at log and, if not nil, to also. A standard output that cmd
// has already stays.
func launch(cmd *exec.Cmd, log string, also io.Writer) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = file
	if also != nil {
		cmd.Stderr = io.MultiWriter(file, also)
	}
	if cmd.Stdout == nil {
		cmd.Stdout = cmd.Stderr
	}
	cmd.SysProcAttr = childAttributes()
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(file, started)
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// run starts the process and waits for it, on one thread that lives as long as the process does.
func (p *process) run(log *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		err = p.cmd.Wait()
	}
	p.err = errors.Join(err, log.Close())
}

// kill ends the process by SIGKILL and waits for its end.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill: %w", err)
	}
	<-p.done
	return nil
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
