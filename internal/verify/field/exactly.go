package field

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// Exactly is a check of exactly-once processing: inputs are read, an output is made of each, and both sides are compared
// as multisets by clients that are not this library.
type Exactly struct {
	Version string // of the brokers
	Sharing kafka.Assignment
	Inputs  int
	Kills   int // of brokers and workers together, at least
	Workers int // default 3
	Seed    uint64
	Mutant  string    // what workers do wrong, or nothing
	Java    bool      // let Java's own client read the outputs as well
	Log     io.Writer // never nil
}

// The names of a check.
const (
	kindExactly = "exactly"
	inputs      = "inputs"
	outputs     = "outputs"
	group       = "exactly"
	partitions  = 6
)

// Bounds of a check.
const (
	drainIn = 90 * time.Second
	stopIn  = 30 * time.Second
)

// Run starts the brokers and the workers, lets the nemesis loose while inputs are sent and processed, and judges.
func (e Exactly) Run(ctx context.Context) (v Verdict, err error) {
	if e.Workers == 0 {
		e.Workers = 3
	}
	if e.Mutant != "" && e.Mutant != offsetsFirst && e.Mutant != offsetsLast {
		return v, fmt.Errorf("there is no mutant %q of the workers: %s, %s", e.Mutant, offsetsFirst, offsetsLast)
	}
	cluster, err := startBrokers(ctx, e.Version, e.Log)
	if err != nil {
		return v, err
	}
	defer cluster.Stop()
	client, err := ask(cluster)
	if err != nil {
		return v, err
	}
	defer client.Close()
	x := &exactly{Exactly: e, cluster: cluster, client: client, admin: kadm.NewClient(client), endings: &tally{}}
	x.fleet = &fleet{log: e.Log, out: x.endings}
	defer func() { err = errors.Join(err, x.fleet.stopAll(stopIn)) }()
	if err := x.prepare(ctx); err != nil {
		return v, err
	}
	return x.check(ctx)
}

// exactly is one check that runs.
type exactly struct {
	Exactly
	cluster *testenv.Cluster
	client  *kgo.Client // not this library's
	admin   *kadm.Client
	fleet   *fleet
	nemesis *nemesis
	endings *tally
	feeding atomic.Bool // inputs are being sent
}

func (x *exactly) config() kafka.Config {
	return workerConfig(x.cluster.Bootstrap(), x.Sharing, "feeder")
}

// prepare makes the topics and starts the workers.
func (x *exactly) prepare(ctx context.Context) error {
	b, err := kafka.Open(ctx, x.config())
	if err != nil {
		return err
	}
	for _, name := range []string{inputs, outputs} {
		err = errors.Join(err, stream.EnsureStream(ctx, b, stream.StreamConfig{Name: name, Partitions: partitions}))
	}
	if err := errors.Join(err, b.Close()); err != nil {
		return err
	}
	for i := range x.Workers {
		err := x.fleet.start(order{
			Kind: kindExactly, Name: fmt.Sprintf("worker%d", i), Brokers: x.cluster.Bootstrap(), Group: group, Sharing: string(x.Sharing),
			Mutant: x.Mutant,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// check feeds the workers while the nemesis rages, waits until they are done, and compares.
func (x *exactly) check(ctx context.Context) (Verdict, error) {
	v := Verdict{Version: x.cluster.Version(), Sent: x.Inputs, Asked: x.Kills, JavaDiffers: -1}
	x.nemesis = &nemesis{seed: x.Seed, cluster: x.cluster, admin: x.admin, fleet: x.fleet, log: x.Log}
	feedable, stop := context.WithCancel(ctx)
	defer stop()
	var feeding sync.WaitGroup
	var fed error
	begun := time.Now()
	x.feeding.Store(true)
	feeding.Go(func() {
		defer x.feeding.Store(false)
		fed = x.feed(feedable)
		v.Sending = time.Since(begun)
	})
	err := x.awaitFirst(ctx)
	if err == nil {
		err = x.nemesis.rage(ctx, func() bool { return !x.enough() || x.feeding.Load() })
	}
	if err != nil {
		stop()
	}
	feeding.Wait()
	if err := errors.Join(err, fed); err != nil {
		return v, err
	}
	healed := time.Now()
	if err := x.drain(ctx); err != nil {
		return v, err
	}
	v.Finishing = time.Since(healed)
	if err := x.fleet.stopAll(stopIn); err != nil {
		return v, err
	}
	v.Endings = x.endings
	v.Met, v.kills = x.nemesis.result()
	return v, x.judge(ctx, &v)
}

// awaitFirst waits until the workers work: before that nothing is lost with them.
func (x *exactly) awaitFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	for x.endings.Of(committed) == 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("no transaction was committed in %v: %w", drainIn, context.Cause(ctx))
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return nil
}

// kindShare is how large a part of the kills each kind must have.
const kindShare = 4

// enough reports whether so many were killed as were asked for, of both kinds.
func (x *exactly) enough() bool {
	workers, brokers := x.nemesis.killed()
	return workers+brokers >= x.Kills && min(workers, brokers) >= x.Kills/kindShare
}

// Each kill gives leave to send another part of the inputs. Of what is left of it a piece is sent in each tick: at first
// many, and so few later on that some are always on their way when the next process is killed, however long that takes.
// After the last kill the rest follows quickly.
const (
	feedEvery = 10 * time.Millisecond
	feedPart  = 200 // of what is left in a tick
	feedRest  = 20
	feedLeast = 100
)

// due is how many inputs to send now, after so many.
func (x *exactly) due(sent int) int {
	if x.enough() {
		return min(x.Inputs-sent, max(feedLeast, (x.Inputs-sent)/feedRest))
	}
	workers, brokers := x.nemesis.killed()
	leave := x.Inputs * min(workers+brokers+1, x.Kills) / (x.Kills + 1)
	return min(x.Inputs-sent, max(1, (leave-sent)/feedPart))
}

// feed sends the inputs.
func (x *exactly) feed(ctx context.Context) error {
	b, err := kafka.Open(ctx, x.config())
	if err != nil {
		return err
	}
	out, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{inputs}, DeliveryTimeout: 2 * time.Minute})
	if err != nil {
		return errors.Join(err, b.Close())
	}
	ticker := time.NewTicker(feedEvery)
	defer ticker.Stop()
	for uid := 0; uid < x.Inputs && ctx.Err() == nil; <-ticker.C {
		for range x.due(uid) {
			text := fmt.Append(nil, uid)
			out.SendAsync(ctx, &stream.Record{Stream: inputs, Key: fmt.Append(nil, "k", uid%keys), Value: text}, nil)
			uid++
		}
	}
	err = out.Flush(ctx)
	return errors.Join(err, out.Close(ctx), b.Close())
}

// keys is how many keys the inputs have.
const keys = 997

// drain waits until the group's offsets are at the end of every partition.
func (x *exactly) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	for {
		astray, err := x.astray(ctx)
		if err == nil && astray == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d partitions were not processed %v after the last fault: %w", astray, drainIn, errors.Join(err, ctx.Err()))
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

// astray counts the partitions of the inputs of which the group's offset is not the end.
func (x *exactly) astray(ctx context.Context) (int, error) {
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ends, err := x.admin.ListEndOffsets(asking, inputs)
	if err != nil {
		return 0, err
	}
	saved, err := x.admin.FetchOffsets(asking, group)
	if err != nil {
		return 0, err
	}
	missing := 0
	ends.Each(func(end kadm.ListedOffset) {
		have, _ := saved.Lookup(inputs, end.Partition)
		if end.Err != nil || (have.At != end.Offset && end.Offset > 0) {
			missing++
		}
	})
	return missing, nil
}
