package field

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/client"
)

// A nemesis makes things go wrong until it is told to stop: one hand is for workers,
// one for brokers or shards and one for what is between them, at the same time.
// Methods may be called from many goroutines.
type nemesis struct {
	seed    uint64
	cluster *testenv.Cluster
	admin   *kadm.Client // not spared by the proxies' faults: it asks again until it hears
	fleet   *fleet
	log     io.Writer
	note    func(what, who string) // tells the history; may be nil
	cloud   *cloud                 // instead of a cluster: Kinesis
	client  *sdk.Client            // likewise; not through the proxies

	mu    sync.Mutex // guards what follows
	met   map[string]int
	kills []kill
}

// A kill is one SIGKILL.
type kill struct {
	at   time.Time
	what string
}

// The things that it counts.
const (
	killedWorker  = "worker kill -9"
	killedBroker  = "broker kill -9"
	pausedWorker  = "worker SIGSTOP"
	zombie        = "worker SIGSTOP beside its successor, then kill -9"
	pausedBroker  = "broker SIGSTOP"
	cutOff        = "broker cut off"
	lostAnswers   = "answer lost"
	lostDecisions = "answer to EndTxn lost"
	delayed       = "broker delayed"
	resetAll      = "connections reset"
)

// moved is the replacement of a worker by one that goes through another client library.
func moved(from, to client.Library) string { return fmt.Sprintf("move from %s to %s", from, to) }

// killed is how many workers and brokers were killed so far.
func (n *nemesis) killed() (workers, brokers int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	brokers = n.met[killedBroker]
	return len(n.kills) - brokers, brokers
}

// result is what was done, and when processes were killed.
func (n *nemesis) result() (map[string]int, []kill) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.met), append([]kill(nil), n.kills...)
}

// kill counts a kill that was just done.
func (n *nemesis) kill(what, who string) {
	n.count(what, who)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kills = append(n.kills, kill{at: time.Now(), what: what})
}

// count tells and counts what was done.
func (n *nemesis) count(what, who string) {
	n.mu.Lock()
	if n.met == nil {
		n.met = map[string]int{}
	}
	n.met[what]++
	n.mu.Unlock()
	_, _ = fmt.Fprintf(n.log, "nemesis: %v: %s: %s\n", time.Now().Format(time.TimeOnly), what, who) // it is for people
	if n.note != nil {
		n.note(what, who)
	}
}

// rage does one thing after the other while more says so. It leaves every broker running and every fault healed.
func (n *nemesis) rage(ctx context.Context, more func() bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var raging sync.WaitGroup
	sides := n.sides()
	errs := make([]error, len(sides))
	for i, of := range sides {
		h := hand{nemesis: n, Rand: rand.New(rand.NewPCG(n.seed, uint64(2+i))), rest: of.rest}
		raging.Go(func() {
			if errs[i] = h.play(ctx, of.moves(h), more); errs[i] != nil {
				cancel()
			}
		})
	}
	raging.Wait()
	return errors.Join(errors.Join(errs...), n.whole(ctx))
}

// A side is what one hand is for.
type side struct {
	rest  time.Duration // between two moves, at most
	moves func(hand) []move
}

func (n *nemesis) sides() []side {
	workers := side{1200 * time.Millisecond, hand.onWorkers}
	if n.cloud != nil {
		return []side{workers, {5 * time.Second, hand.onShards}, {2 * time.Second, hand.onServices}}
	}
	return []side{workers, {1200 * time.Millisecond, hand.onBrokers}, {3 * time.Second, hand.onWires}}
}

// wholeIn is how long replicas may take to be in sync again.
const wholeIn = 60 * time.Second

// whole waits until every replica is in sync: a second broker must not go while the first is behind, or nobody can write.
func (n *nemesis) whole(ctx context.Context) error {
	if n.cloud != nil {
		n.cloud.heal()
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wholeIn)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		var missing int
		if missing, last = n.behind(ctx); last == nil && missing == 0 {
			return nil
		}
		sleep(ctx, 150*time.Millisecond)
	}
	return fmt.Errorf("the replicas were not in sync again within %v: %w", wholeIn, errors.Join(last, ctx.Err()))
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
