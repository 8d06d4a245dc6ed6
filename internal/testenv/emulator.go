package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// dialLimit bounds one look whether a port accepts.
const dialLimit = time.Second

// Emulator is one running server that stands in for a service of AWS. All its data are in its memory: they end with the
// process. Any credentials and any region will do. Its methods may be called from many goroutines.
type Emulator struct {
	*runner
	what   string
	folder string // removed by Stop
	ports  []int  // of HTTP, then of HTTPS where there is one
	server func(ports []int) *exec.Cmd
	also   io.Writer // gets what it writes, beside the log; may be nil
	stop   func()
}

// startEmulator starts a server that needs n ports, and returns when it accepts on all of them. Should another process
// take a port before the server has it, other ports are tried.
func startEmulator(
	ctx context.Context, what string, n int, also io.Writer, server func([]int) *exec.Cmd,
) (*Emulator, error) {
	for try := 1; ; try++ {
		e, err := startEmulatorOnce(ctx, what, n, also, server)
		if err == nil {
			return e, nil
		}
		if try == startTries || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return nil, fmt.Errorf("testenv: %s: %w", what, err)
		}
	}
}

func startEmulatorOnce(
	ctx context.Context, what string, n int, also io.Writer, server func([]int) *exec.Cmd,
) (*Emulator, error) {
	ports, err := freePorts(n)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "streamport-"+what+"-")
	if err != nil {
		return nil, err
	}
	e := &Emulator{runner: newRunner(), what: what, folder: folder, ports: ports, server: server, also: also}
	e.stop = sync.OnceFunc(e.end)
	if err := e.begin(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// begin starts the process and waits until it accepts.
func (e *Emulator) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("not ready after %v", readyLimit))
	defer cancel()
	if err := e.start(e.server(e.ports), e.logFile(), e.also); err != nil {
		return err
	}
	for _, port := range e.ports {
		if err := e.await(ctx, port); err != nil {
			return fmt.Errorf("%w\n%s", err, tailOfFile(e.logFile()))
		}
	}
	return nil
}

// await waits until the process accepts on port, and ends early when it has ended.
func (e *Emulator) await(ctx context.Context, port int) error {
	again := time.NewTicker(readyPause)
	defer again.Stop()
	for {
		p := e.live()
		if p == nil {
			return errors.New("ended while starting")
		}
		conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", loopback(port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-p.done:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func (e *Emulator) logFile() string { return filepath.Join(e.folder, "log") }

// Addr is the host and port of HTTP.
func (e *Emulator) Addr() string { return loopback(e.ports[0]) }

// Endpoint is the URL of HTTP.
func (e *Emulator) Endpoint() string { return "http://" + e.Addr() }

// TLSEndpoint is the URL of HTTPS, with a certificate that nobody has signed; "" if the server has none.
func (e *Emulator) TLSEndpoint() string {
	if len(e.ports) < 2 {
		return ""
	}
	return "https://" + loopback(e.ports[1])
}

// Kill ends the server by SIGKILL and returns when it has ended. Its data are gone.
func (e *Emulator) Kill() error { return e.did("kill", e.kill()) }

// Pause stops the server by SIGSTOP: its connections stay open and nothing answers.
func (e *Emulator) Pause() error { return e.did("pause", e.pause()) }

// Resume lets a paused server go on.
func (e *Emulator) Resume() error { return e.did("resume", e.resume()) }

// Restart starts the server again on the same ports, without data, after a SIGKILL if it still runs.
func (e *Emulator) Restart(ctx context.Context) error {
	if err := e.kill(); err != nil {
		return e.did("restart", err)
	}
	return e.did("restart", e.begin(ctx))
}

// Pid is the process id, 0 while the server does not run.
func (e *Emulator) Pid() int {
	if p := e.live(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Logs is the end of what the server wrote.
func (e *Emulator) Logs() string { return fmt.Sprintf("%s:\n%s\n", e.what, tailOfFile(e.logFile())) }

// Stop kills the server and waits for its end. It may be called more than once.
func (e *Emulator) Stop() { e.stop() }

func (e *Emulator) end() {
	_ = e.close()              // the kernel refuses no SIGKILL to one's own child
	_ = os.RemoveAll(e.folder) // what stays in the temporary folder harms nothing
}

func (e *Emulator) did(what string, err error) error {
	if err != nil {
		return fmt.Errorf("testenv: %s %s: %w", what, e.what, err)
	}
	return nil
}

// run fails the test if the server did not start, and stops it when the test ends.
func (e *Emulator) run(t testing.TB, err error) *Emulator {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(e.Logs())
		}
		e.Stop()
	})
	return e
}
