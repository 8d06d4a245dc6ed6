package field

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
)

// A nemesis makes things go wrong, one at a time or two, until it is told to stop.
type nemesis struct {
	*rand.Rand
	cluster *testenv.Cluster
	admin   *kadm.Client // not through the proxies' faults: it asks again until it hears
	fleet   *fleet
	log     io.Writer
	note    func(what, who string) // tells the history; may be nil
	met     map[string]int
}

// The things that it counts.
const (
	killedWorker = "worker kill -9"
	killedBroker = "broker kill -9"
	pausedWorker = "worker SIGSTOP"
	zombie       = "worker SIGSTOP beside its successor"
	pausedBroker = "broker SIGSTOP"
	cutOff       = "broker cut off"
	lostAnswers  = "answers lost"
	delayed      = "broker delayed"
	resetAll     = "connections reset"
)

// kills is how many processes were killed so far.
func (n *nemesis) kills() int { return n.met[killedWorker] + n.met[killedBroker] + n.met[zombie] }

// rage does one thing after the other while more says so. It leaves every broker running and every fault healed.
func (n *nemesis) rage(ctx context.Context, more func() bool) error {
	for ctx.Err() == nil && more() {
		if err := n.strike(ctx); err != nil {
			return err
		}
		if !n.wait(ctx, 300*time.Millisecond, 1500*time.Millisecond) {
			break
		}
	}
	return nil
}

func (n *nemesis) strike(ctx context.Context) error {
	switch n.IntN(10) {
	case 0, 1, 2:
		return n.killWorker()
	case 3:
		return n.raiseZombie(ctx)
	case 4:
		return n.pauseWorker(ctx)
	case 5, 6, 7:
		return n.killBroker(ctx)
	case 8:
		return n.pauseBroker(ctx)
	default:
		return n.hurtBroker(ctx)
	}
}

// count tells and counts what was done.
func (n *nemesis) count(what, who string) {
	n.met[what]++
	fmt.Fprintf(n.log, "nemesis: %s: %s\n", what, who)
	if n.note != nil {
		n.note(what, who)
	}
}

// victim is one of the workers that run; nil if there is none.
func (n *nemesis) victim() *worker {
	alive := n.fleet.alive()
	if len(alive) == 0 {
		return nil
	}
	return alive[n.IntN(len(alive))]
}

func (n *nemesis) killWorker() error {
	w := n.victim()
	if w == nil {
		return nil
	}
	n.fleet.kill(w)
	n.count(killedWorker, w.order.Name)
	_, err := n.fleet.start(w.order.successor())
	return err
}

// raiseZombie starts a worker's successor while the worker only stands still, and lets both go on.
func (n *nemesis) raiseZombie(ctx context.Context) error {
	w := n.victim()
	if w == nil {
		return nil
	}
	n.fleet.signal(w, syscall.SIGSTOP)
	if _, err := n.fleet.start(w.order.successor()); err != nil {
		return err
	}
	n.wait(ctx, time.Second, 8*time.Second)
	n.fleet.signal(w, syscall.SIGCONT)
	n.wait(ctx, time.Second, 2*time.Second)
	n.fleet.kill(w)
	n.count(zombie, w.order.Name)
	return nil
}

func (n *nemesis) pauseWorker(ctx context.Context) error {
	w := n.victim()
	if w == nil {
		return nil
	}
	n.fleet.signal(w, syscall.SIGSTOP)
	n.count(pausedWorker, w.order.Name)
	n.wait(ctx, time.Second, 9*time.Second)
	n.fleet.signal(w, syscall.SIGCONT)
	return nil
}

func (n *nemesis) killBroker(ctx context.Context) error {
	node := 1 + n.IntN(n.cluster.Nodes())
	if err := n.cluster.Kill(node); err != nil {
		return err
	}
	n.count(killedBroker, fmt.Sprint(node))
	n.wait(ctx, 500*time.Millisecond, 5*time.Second)
	if err := n.cluster.Restart(context.WithoutCancel(ctx), node); err != nil {
		return err
	}
	return n.whole(ctx)
}

func (n *nemesis) pauseBroker(ctx context.Context) error {
	node := 1 + n.IntN(n.cluster.Nodes())
	if err := n.cluster.Pause(node); err != nil {
		return err
	}
	n.count(pausedBroker, fmt.Sprint(node))
	n.wait(ctx, time.Second, 7*time.Second)
	if err := n.cluster.Resume(node); err != nil {
		return err
	}
	return n.whole(ctx)
}

// hurtBroker does something to the connections of one broker for a while.
func (n *nemesis) hurtBroker(ctx context.Context) error {
	node := 1 + n.IntN(n.cluster.Nodes())
	proxy := n.cluster.Proxy(node)
	writes := []int16{
		tcpfault.Produce, tcpfault.OffsetCommit, tcpfault.TxnOffsetCommit, tcpfault.EndTxn, tcpfault.AddOffsetsToTxn,
	}
	var f *tcpfault.Fault
	switch n.IntN(4) {
	case 0:
		f = proxy.Set(tcpfault.Rule{Kind: tcpfault.CutOff})
		n.count(cutOff, fmt.Sprint(node))
	case 1:
		f = proxy.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: writes, Times: 1 + n.IntN(3)})
		n.count(lostAnswers, fmt.Sprint(node))
	case 2:
		f = proxy.Set(tcpfault.Rule{Kind: tcpfault.Delay, Delay: time.Duration(50+n.IntN(400)) * time.Millisecond})
		n.count(delayed, fmt.Sprint(node))
	default:
		proxy.Reset()
		n.count(resetAll, fmt.Sprint(node))
		return nil
	}
	n.wait(ctx, time.Second, 4*time.Second)
	f.Remove()
	return nil
}

// wholeIn is how long replicas may take to be in sync again.
const wholeIn = 60 * time.Second

// whole waits until every replica is in sync: a second broker must not go while the first is behind, or nobody can write.
func (n *nemesis) whole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wholeIn)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		var missing int
		if missing, last = n.behind(ctx); last == nil && missing == 0 {
			return nil
		}
		n.wait(ctx, 100*time.Millisecond, 200*time.Millisecond)
	}
	return fmt.Errorf("the replicas were not in sync again within %v: %w", wholeIn, last)
}

// behind counts the partitions with a replica that is not in sync.
func (n *nemesis) behind(ctx context.Context) (missing int, err error) {
	asking, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	topics, err := n.admin.ListTopicsWithInternal(asking)
	for _, t := range topics {
		for _, p := range t.Partitions {
			if len(p.ISR) < len(p.Replicas) || p.Leader < 0 {
				missing++
			}
		}
	}
	return missing, err
}

// wait sleeps for some time between two bounds, and reports whether it did so to the end.
func (n *nemesis) wait(ctx context.Context, least, most time.Duration) bool {
	timer := time.NewTimer(least + time.Duration(n.Int64N(int64(most-least))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
