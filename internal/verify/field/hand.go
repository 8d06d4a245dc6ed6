package field

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/streamport-go/streamport/internal/tcpfault"
)

// A hand does one thing at a time: to workers, to brokers, or to connections.
type hand struct {
	*nemesis
	*rand.Rand
	rest time.Duration // between two things, at most
}

// A move is one thing to do.
type move func(context.Context) error

// play makes the moves in an order that is drawn anew each time through: so that also a short run meets them all.
func (h hand) play(ctx context.Context, moves []move, more func() bool) error {
	for {
		h.Shuffle(len(moves), func(i, j int) { moves[i], moves[j] = moves[j], moves[i] })
		for _, m := range moves {
			if !h.wait(ctx, h.rest/6, h.rest) || !more() {
				return nil
			}
			if err := m(ctx); err != nil {
				return err
			}
		}
	}
}

// onWorkers are the moves against workers.
func (h hand) onWorkers() []move {
	return []move{h.killWorker, h.killWorker, h.killWorker, h.raiseZombie, h.pauseWorker}
}

// onBrokers are the moves against brokers.
func (h hand) onBrokers() []move {
	return []move{h.killBroker, h.killBroker, h.killBroker, h.pauseBroker}
}

// onWires are the moves against connections.
func (h hand) onWires() []move {
	return []move{h.loseAnswers, h.loseDecisions, h.loseDecisions, h.hurtBroker}
}

// victim is one of the workers that run; nil if there is none.
func (h hand) victim() *worker {
	alive := h.fleet.alive()
	if len(alive) == 0 {
		return nil
	}
	return alive[h.IntN(len(alive))]
}

func (h hand) killWorker(context.Context) error {
	w := h.victim()
	if w == nil {
		return nil
	}
	h.fleet.kill(w)
	h.kill(killedWorker, w.order.Name)
	return h.replace(w)
}

// replace starts the worker that takes another's place, and tells of it where that is a move to another client library.
func (h hand) replace(w *worker) error {
	next := w.order.successor()
	if next.Client != w.order.Client {
		h.count(moved(w.order.Client, next.Client), next.Name)
	}
	return h.fleet.start(next)
}

// raiseZombie starts a worker's successor while the worker only stands still, and lets both go on for a while.
func (h hand) raiseZombie(ctx context.Context) error {
	w := h.victim()
	if w == nil {
		return nil
	}
	h.fleet.signal(w, syscall.SIGSTOP)
	if err := h.replace(w); err != nil {
		return err
	}
	h.wait(ctx, time.Second, 8*time.Second)
	h.fleet.signal(w, syscall.SIGCONT)
	h.wait(ctx, time.Second, 2*time.Second)
	h.fleet.kill(w)
	h.kill(zombie, w.order.Name)
	return nil
}

func (h hand) pauseWorker(ctx context.Context) error {
	w := h.victim()
	if w == nil {
		return nil
	}
	h.fleet.signal(w, syscall.SIGSTOP)
	h.count(pausedWorker, w.order.Name)
	h.wait(ctx, time.Second, 9*time.Second)
	h.fleet.signal(w, syscall.SIGCONT)
	return nil
}

// node is the number of a broker, and a name for it.
func (h hand) node() (int, string) {
	node := 1 + h.IntN(h.cluster.Nodes())
	return node, fmt.Sprint("broker ", node)
}

func (h hand) killBroker(ctx context.Context) error {
	node, name := h.node()
	if err := h.cluster.Kill(node); err != nil {
		return err
	}
	h.kill(killedBroker, name)
	h.wait(ctx, 500*time.Millisecond, 5*time.Second)
	if err := h.cluster.Restart(context.WithoutCancel(ctx), node); err != nil {
		return err
	}
	return h.whole(ctx)
}

func (h hand) pauseBroker(ctx context.Context) error {
	node, name := h.node()
	if err := h.cluster.Pause(node); err != nil {
		return err
	}
	h.count(pausedBroker, name)
	h.wait(ctx, time.Second, 7*time.Second)
	if err := h.cluster.Resume(node); err != nil {
		return err
	}
	return h.whole(ctx)
}

// loseAnswers lets brokers write what they are sent, and cuts the connection instead of answering.
func (h hand) loseAnswers(ctx context.Context) error {
	h.lose(ctx, lostAnswers, tcpfault.Produce, tcpfault.OffsetCommit, tcpfault.TxnOffsetCommit, tcpfault.AddOffsetsToTxn)
	return nil
}

// loseDecisions does the same to what ends a transaction: whether it was committed has to be found out.
func (h hand) loseDecisions(ctx context.Context) error {
	// While other hands are at work nobody may commit for a while: a few tries are what it takes to meet a commit.
	for range 5 {
		if h.lose(ctx, lostDecisions, tcpfault.EndTxn) > 0 {
			break
		}
	}
	return nil
}

// lose reports how many answers were lost.
func (h hand) lose(ctx context.Context, what string, keys ...int16) (lost int64) {
	for node := range h.cluster.Nodes() {
		f := h.cluster.Proxy(node + 1).Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: keys, Times: 1 + h.IntN(3)})
		defer func() {
			f.Remove()
			for range f.Hits() {
				h.count(what, fmt.Sprint("broker ", node+1))
				lost++
			}
		}()
	}
	h.wait(ctx, time.Second, 3*time.Second)
	return lost
}

// hurtBroker does something else to the connections of one broker for a while.
func (h hand) hurtBroker(ctx context.Context) error {
	node, name := h.node()
	proxy := h.cluster.Proxy(node)
	switch h.IntN(3) {
	case 0:
		defer proxy.Set(tcpfault.Rule{Kind: tcpfault.CutOff}).Remove()
		h.count(cutOff, name)
	case 1:
		delay := time.Duration(50+h.IntN(400)) * time.Millisecond
		defer proxy.Set(tcpfault.Rule{Kind: tcpfault.Delay, Delay: delay}).Remove()
		h.count(delayed, name)
	default:
		proxy.Reset()
		h.count(resetAll, name)
		return nil
	}
	h.wait(ctx, time.Second, 4*time.Second)
	return nil
}

// wait sleeps for some time between two bounds, and reports whether it did so to the end.
func (h hand) wait(ctx context.Context, least, most time.Duration) bool {
	sleep(ctx, least+time.Duration(h.Int64N(int64(most-least))))
	return ctx.Err() == nil
}
