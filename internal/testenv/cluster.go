package testenv

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamport-go/streamport/internal/tcpfault"
)

// Bounds of a start: readyLimit is that of one try from the start of the processes, startTries how often other ports
// are tried when one was taken in between.
const (
	readyLimit = 90 * time.Second
	readyPause = 50 * time.Millisecond
	startTries = 3
)

var (
	errStopped    = errors.New("the cluster was stopped")
	errNotRunning = errors.New("not running")
)

// Cluster is one or three running brokers. Nodes are numbered from 1, as the brokers' ids are. Its methods may be
// called from many goroutines.
type Cluster struct {
	config  Config
	dist    *dist
	folder  string // removed by Stop
	nodes   []*node
	secrets *secrets // nil without Secure
	flags   []string // of every JVM
	args    []string // of a node's, without the path of its properties
	log     io.Writer
	stop    func()
}

// Run starts a cluster and stops it when the test ends. It fails the test if the cluster does not start, and writes
// the end of the nodes' logs if the test failed.
func Run(t testing.TB, config Config) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs())
		}
		c.Stop()
	})
	return c
}

// Start brings a cluster up and returns when every node knows all of them. Call Stop when it is not needed any more;
// where the system can, brokers also end with this process.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	config, err := config.filled()
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	d, err := openDist(ctx, config.Version)
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	archive, err := d.archive(ctx)
	if err != nil {
		return nil, fmt.Errorf("testenv: kafka %s: %w", config.Version, err)
	}
	flags := jvm
	if archive != "" {
		flags = append(slices.Clip(jvm), "-XX:SharedArchiveFile="+archive)
	}
	c, err := start(ctx, config, d, flags)
	if err != nil {
		return nil, fmt.Errorf("testenv: kafka %s: %w", config.Version, err)
	}
	return c, nil
}

// start brings a cluster up. Its JVMs get flags, those of the nodes also more. Should another process take a port
// before a node has it, other ports are tried.
func start(ctx context.Context, config Config, d *dist, flags []string, more ...string) (*Cluster, error) {
	for try := 1; ; try++ {
		c, err := startOnce(ctx, config, d, flags, more)
		if err == nil || try == startTries || !strings.Contains(err.Error(), "Address already in use") {
			return c, err
		}
	}
}

func startOnce(ctx context.Context, config Config, d *dist, flags, more []string) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "streamport-kafka-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, dist: d, folder: folder, flags: flags}
	c.args = c.serverArgs(more)
	c.stop = sync.OnceFunc(c.end)
	if config.Log != nil {
		c.log = &shared{w: config.Log}
	}
	if err := c.open(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// open lays the nodes' folders out, formats them, and starts the servers.
func (c *Cluster) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("not ready after %v", readyLimit))
	defer cancel()
	if err := c.addNodes(); err != nil {
		return err
	}
	if c.config.Secure {
		secrets, err := newSecrets()
		if err != nil {
			return err
		}
		c.secrets = secrets
		if err := secrets.write(c.folder); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := os.WriteFile(n.properties(), []byte(c.properties(n)), 0o600); err != nil {
			return err
		}
	}
	if err := c.format(ctx); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.start(c.dist.java, c.args, c.log); err != nil {
			return fmt.Errorf("node %d: %w", n.id, err)
		}
	}
	return c.Ready(ctx)
}

func (c *Cluster) addNodes() error {
	ports, err := freePorts(c.config.Nodes * kinds)
	if err != nil {
		return err
	}
	for i := range c.config.Nodes {
		n := newNode(i+1, filepath.Join(c.folder, strconv.Itoa(i+1)), ports[i*kinds:(i+1)*kinds])
		if err := os.Mkdir(n.folder, 0o755); err != nil {
			return err
		}
		if c.config.Proxy {
			if n.proxy, err = tcpfault.Listen(n.addr(plaintext)); err != nil {
				return err
			}
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

// Ready returns when every node that runs and is not paused lists all of these. Nodes that died may still be listed.
func (c *Cluster) Ready(ctx context.Context) error {
	var ids []int
	for _, n := range c.nodes {
		if n.answers() {
			ids = append(ids, n.id)
		}
	}
	for _, id := range ids {
		n := c.nodes[id-1]
		if err := n.await(ctx, ids); err != nil {
			return fmt.Errorf("node %d: %w\n%s", id, err, tailOfFile(n.log()))
		}
	}
	return nil
}

// Bootstrap is the plaintext address of every node, through its proxy if there is one. Under ACLs its user, ANONYMOUS,
// may do everything.
func (c *Cluster) Bootstrap() []string {
	return c.addresses(plaintext)
}

func (c *Cluster) addresses(k kind) []string {
	addresses := make([]string, 0, len(c.nodes))
	for _, n := range c.nodes {
		addresses = append(addresses, n.advertised(k))
	}
	return addresses
}

// Nodes is how many nodes the cluster was started with.
func (c *Cluster) Nodes() int { return len(c.nodes) }

// Version is the brokers' version.
func (c *Cluster) Version() string { return c.config.Version }

// Proxy is the proxy before a node's plaintext listener, nil if the cluster was started without.
func (c *Cluster) Proxy(node int) *tcpfault.Proxy { return c.node(node).proxy }

// Pid is the process id of a node, 0 while it does not run.
func (c *Cluster) Pid(node int) int {
	if p := c.node(node).live(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Kill ends a node by SIGKILL and returns when it has ended. Its data stay.
func (c *Cluster) Kill(node int) error { return c.did("kill", node, c.node(node).kill()) }

// Terminate ends a node by SIGTERM: it hands its partitions over first. A node whose quorum has gone never ends so;
// after 30 s it is killed and that is an error.
func (c *Cluster) Terminate(node int) error {
	return c.did("terminate", node, c.node(node).terminate())
}

// Pause stops a node by SIGSTOP: its connections stay open and nothing answers.
func (c *Cluster) Pause(node int) error { return c.did("pause", node, c.node(node).pause()) }

// Resume lets a paused node go on.
func (c *Cluster) Resume(node int) error { return c.did("resume", node, c.node(node).resume()) }

// Restart starts a node again with the same ports and data, after a SIGKILL if it still runs. It returns when the node
// lists all that run, or at once when those that run are no majority, since without one no node answers. Its replicas
// may still be catching up then.
func (c *Cluster) Restart(ctx context.Context, node int) error {
	n := c.node(node)
	if err := n.kill(); err != nil {
		return c.did("restart", node, err)
	}
	if err := n.start(c.dist.java, c.args, c.log); err != nil {
		return c.did("restart", node, err)
	}
	up := 0
	for _, n := range c.nodes {
		if n.answers() {
			up++
		}
	}
	if 2*up <= len(c.nodes) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("not ready after %v", readyLimit))
	defer cancel()
	return c.did("restart", node, c.Ready(ctx))
}

// Logs is the end of what each node wrote.
func (c *Cluster) Logs() string {
	var logs strings.Builder
	for _, n := range c.nodes {
		fmt.Fprintf(&logs, "node %d of kafka %s:\n%s\n", n.id, c.config.Version, tailOfFile(n.log()))
	}
	return logs.String()
}

// Stop kills all nodes, waits for their end and removes their data. It may be called more than once.
func (c *Cluster) Stop() { c.stop() }

func (c *Cluster) end() {
	var wg sync.WaitGroup
	for _, n := range c.nodes {
		wg.Go(func() {
			_ = n.close() // the kernel refuses no SIGKILL to one's own child
			if n.proxy != nil {
				n.proxy.Close()
			}
		})
	}
	wg.Wait()
	_ = os.RemoveAll(c.folder) // what stays in the temporary folder harms nothing
}

// node is the one with that number. A number that is none is the programmer's mistake.
func (c *Cluster) node(number int) *node {
	if number < 1 || number > len(c.nodes) {
		panic(fmt.Sprintf("testenv: node %d of %d", number, len(c.nodes)))
	}
	return c.nodes[number-1]
}

func (c *Cluster) did(what string, node int, err error) error {
	if err != nil {
		return fmt.Errorf("testenv: %s node %d: %w", what, node, err)
	}
	return nil
}

// shared is a writer that several nodes write to.
type shared struct {
	mu sync.Mutex // guards w, whose writes must not overlap
	w  io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// identity is a random id in Kafka's form, 16 bytes in base64. A leading dash would be read as an option.
func identity() string {
	var id [16]byte
	for {
		_, _ = rand.Read(id[:]) // never fails
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}
