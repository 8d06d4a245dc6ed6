package field

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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
	startIn  = 2 * time.Minute
	drainIn  = 90 * time.Second
	stopIn   = 30 * time.Second
	noHangIn = workerTx + 10*time.Second // until no transaction is open any more
)

// A Verdict is what became of a check.
type Verdict struct {
	Version            string
	Inputs, Outputs    int
	Duplicated, Lost   int // outputs that stand twice, inputs without one
	Foreign            int // outputs of no input
	Hanging            int // partitions whose last transaction was never decided
	Uncommitted        int // partitions of which the group's offset is not the end
	JavaDiffers        int // outputs that Java's client sees otherwise; -1: it did not look
	Met                map[string]int
	Kills              int
	Sending, Finishing time.Duration
}

// Err is nil if every input has exactly one output.
func (v Verdict) Err() error {
	var errs []error
	for _, wrong := range []struct {
		n    int
		what string
	}{
		{v.Duplicated, "outputs are doubled"}, {v.Lost, "inputs have no output"}, {v.Foreign, "outputs have no input"},
		{v.Hanging, "partitions have a transaction that hangs"}, {v.Uncommitted, "partitions' offsets are not at the end"},
		{max(0, v.JavaDiffers), "outputs are others to Java's client"},
	} {
		if wrong.n > 0 {
			errs = append(errs, fmt.Errorf("%d %s", wrong.n, wrong.what))
		}
	}
	return errors.Join(errs...)
}

// String is the verdict in a few lines.
func (v Verdict) String() string {
	java := "not asked"
	if v.JavaDiffers >= 0 {
		java = fmt.Sprintf("%d differ", v.JavaDiffers)
	}
	var met []string
	for _, what := range slices.Sorted(maps.Keys(v.Met)) {
		met = append(met, fmt.Sprintf("%s %d", what, v.Met[what]))
	}
	return fmt.Sprintf("exactly-once on Apache Kafka %s: %d inputs, %d outputs, %d duplicated, %d lost, %d foreign, "+
		"%d hanging, %d offsets astray; Java's client: %s\n%d killed (%s)\nsent in %v, all processed %v after the last fault",
		v.Version, v.Inputs, v.Outputs, v.Duplicated, v.Lost, v.Foreign, v.Hanging, v.Uncommitted, java,
		v.Kills, strings.Join(met, ", "), v.Sending.Round(time.Millisecond), v.Finishing.Round(time.Millisecond))
}

// Run starts the brokers and the workers, lets the nemesis loose while inputs are sent and processed, and judges.
func (e Exactly) Run(ctx context.Context) (v Verdict, err error) {
	if e.Workers == 0 {
		e.Workers = 3
	}
	starting, cancel := context.WithTimeout(ctx, startIn)
	defer cancel()
	cluster, err := testenv.Start(starting, testenv.Config{Version: e.Version, Nodes: 3, Proxy: true, Log: e.Log})
	if err != nil {
		return v, err
	}
	defer cluster.Stop()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond), kgo.RequestTimeoutOverhead(2*time.Second),
	)
	if err != nil {
		return v, err
	}
	defer client.Close()
	x := &exactly{
		Exactly: e, cluster: cluster, client: client, admin: kadm.NewClient(client), fleet: &fleet{log: e.Log},
	}
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
	sent    atomic.Int64
	killed  atomic.Bool // so many as were asked for
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
		_, err := x.fleet.start(order{
			Kind: kindExactly, Name: fmt.Sprintf("worker%d", i), Brokers: x.cluster.Bootstrap(), Group: group, Sharing: string(x.Sharing),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// check feeds the workers while the nemesis rages, waits until they are done, and compares.
func (x *exactly) check(ctx context.Context) (Verdict, error) {
	v := Verdict{Version: x.cluster.Version(), JavaDiffers: -1}
	n := &nemesis{
		Rand: rand.New(rand.NewPCG(x.Seed, 2)), cluster: x.cluster, admin: x.admin, fleet: x.fleet, log: x.Log, met: map[string]int{},
	}
	var feeding sync.WaitGroup
	var fed error
	begun := time.Now()
	feeding.Go(func() {
		fed = x.feed(ctx)
		v.Sending = time.Since(begun)
	})
	err := n.rage(ctx, func() bool {
		x.killed.Store(n.kills() >= x.Kills)
		return n.kills() < x.Kills || x.sent.Load() < int64(x.Inputs)
	})
	feeding.Wait()
	if err := errors.Join(err, fed, n.whole(ctx)); err != nil {
		return v, err
	}
	v.Met, v.Kills = n.met, n.kills()
	healed := time.Now()
	if err := x.drain(ctx); err != nil {
		return v, err
	}
	v.Finishing = time.Since(healed)
	if err := x.fleet.stopAll(stopIn); err != nil {
		return v, err
	}
	return v, x.judge(ctx, &v)
}

// The inputs are sent evenly over the time that the kills are expected to take, and what is left then at once.
const (
	feedEvery = 10 * time.Millisecond
	killEvery = 4 * time.Second
)

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
	begun, span := time.Now(), time.Duration(max(1, x.Kills))*killEvery
	for uid := 0; uid < x.Inputs && ctx.Err() == nil; <-ticker.C {
		due := int(float64(x.Inputs) * float64(time.Since(begun)) / float64(span))
		if x.killed.Load() {
			due = x.Inputs
		}
		for ; uid < min(due, x.Inputs); uid++ {
			text := strconv.Itoa(uid)
			out.SendAsync(ctx, &stream.Record{Stream: inputs, Key: []byte("k" + strconv.Itoa(uid%997)), Value: []byte(text)}, nil)
		}
		x.sent.Store(int64(uid))
	}
	err = out.Flush(ctx)
	return errors.Join(err, out.Close(ctx), b.Close())
}

// drain waits until the group's offsets are at the end of every partition.
func (x *exactly) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	var astray int
	var err error
	for {
		if astray, err = x.astray(ctx); err == nil && astray == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%d partitions were not processed %v after the last fault: %w", astray, drainIn, errors.Join(err, ctx.Err()))
		}
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
