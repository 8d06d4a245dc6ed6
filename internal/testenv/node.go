package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
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

	*runner
}

func newNode(id int, folder string, ports []int) *node {
	return &node{id: id, ports: ports, folder: folder, runner: newRunner()}
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
	return n.runner.start(exec.Command(java, append(args, n.properties())...), n.log(), log)
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
