package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/tcpfault"
)

// node is one server with its ports and data, which outlive its process. Its methods may be called from many
// goroutines.
type node struct {
	id     int
	ports  []int // by kind
	folder string
	proxy  *tcpfault.Proxy // nil without proxies

	turn chan struct{} // held by the one who starts or ends the process

	mu      sync.Mutex // guards what follows
	process *process   // nil before the first start
	paused  bool
	closed  bool
}

func newNode(id int, folder string, ports []int) *node {
	return &node{id: id, ports: ports, folder: folder, turn: make(chan struct{}, 1)}
}

func (n *node) addr(k kind) string { return loopback(n.ports[k]) }

// advertised is the address by which clients know a listener.
func (n *node) advertised(k kind) string {
	if k == plaintext && n.proxy != nil {
		return n.proxy.Addr()
	}
	return n.addr(k)
}

func (n *node) data() string       { return filepath.Join(n.folder, "data") }
func (n *node) properties() string { return filepath.Join(n.folder, "server.properties") }
func (n *node) log() string        { return filepath.Join(n.folder, "log") }

// start runs the server unless it runs.
func (n *node) start(java string, args []string, log io.Writer) error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	if n.live() != nil {
		return nil
	}
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return errStopped
	}
	p, err := launch(exec.Command(java, append(args, n.properties())...), n.log(), log)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process, n.paused = p, false
	return nil
}

// live is the running process, or nil.
func (n *node) live() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil || !n.process.running() {
		return nil
	}
	return n.process
}

// answers is whether the node runs and is not paused.
func (n *node) answers() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process != nil && n.process.running() && !n.paused
}

// kill ends the process at once. A node that does not run stays as it is.
func (n *node) kill() error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	if p := n.live(); p != nil {
		return p.kill()
	}
	return nil
}

// close ends the process and lets no other start.
func (n *node) close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	return n.kill()
}

// terminateLimit bounds a controlled shutdown, which waits for ever for a quorum that has gone.
const terminateLimit = 30 * time.Second

// terminate asks the process to end and waits; past terminateLimit it is killed, which is an error.
func (n *node) terminate() error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	p := n.live()
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
func (n *node) pause() error  { return n.signal(pause, true) }
func (n *node) resume() error { return n.signal(resume, false) }

func (n *node) signal(send func(*os.Process) error, paused bool) error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	p := n.live()
	if p == nil {
		return errNotRunning
	}
	if err := send(p.cmd.Process); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paused = paused
	return nil
}

// await waits until the node's metadata lists all of ids, and ends early when the process does.
func (n *node) await(ctx context.Context, ids []int) error {
	again := time.NewTicker(readyPause)
	defer again.Stop()
	for {
		p := n.live()
		if p == nil {
			return fmt.Errorf("ended while starting")
		}
		missing, err := n.missing(ctx, ids)
		if err == nil && missing == 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-p.done:
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("%d of brokers %v are missing from its metadata", missing, ids)
			}
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// missing is how many of ids the node does not list.
func (n *node) missing(ctx context.Context, ids []int) (int, error) {
	listed, err := brokers(ctx, n.addr(plaintext))
	if err != nil {
		return 0, err
	}
	known := make(map[int]bool, len(listed))
	for _, id := range listed {
		known[int(id)] = true
	}
	missing := 0
	for _, id := range ids {
		if !known[id] {
			missing++
		}
	}
	return missing, nil
}
