package field

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// Long runs package workload's members and producers as processes for a while and judges the history.
type Long struct {
	Version string // of the brokers
	Client  client.Library
	Sharing kafka.Assignment
	Policy  workload.Policy // default PerBatch
	For     time.Duration   // how long things go wrong
	Seed    uint64
	Keep    string    // a folder for the histories; "": a temporary one, removed if all is well
	Log     io.Writer // never nil
}

const (
	kindLong = "long"
	members  = 3
	senders  = 2
)

// A Judgement is what became of a Long.
type Judgement struct {
	Service string   // with its version
	Needs   []string // what must have been met
	Policy  workload.Policy
	Report  check.Report
	Met     map[string]int
	For     time.Duration
	Folder  string // where the histories are, if anything is wrong
}

// String is the judgement in a few lines.
func (j Judgement) String() string {
	s := j.Report.Stats
	return fmt.Sprintf("history on %s, policy %s: %d operations, %d produced, %d delivered, %d redelivered, "+
		"%d checkpoints (%d refused), %d transactions, %d takeovers, %d reshards; met: %s; anomalies: %v",
		j.Service, j.Policy, s.Ops, s.Produced, s.Delivered, s.Redelivered, s.Checkpoints, s.Fenced, s.Transactions, s.Takeovers, s.Reshards,
		listed(j.Met), j.Report.Codes())
}

// What a run must meet: one that met less proves nothing.
const (
	leastProduced  = 500
	leastDelivered = 500
	takeoverEvery  = 12 * time.Second // at most
)

// Err is nil if nothing is wrong and enough was met.
func (j Judgement) Err() error {
	errs := []error{j.Report.Err()}
	for _, what := range j.Needs {
		if j.Met[what] == 0 {
			errs = append(errs, fmt.Errorf("met too little: no %s", what))
		}
	}
	for _, least := range []struct {
		what      string
		met, want int
	}{
		{"records", j.Report.Stats.Produced, leastProduced}, {"deliveries", j.Report.Stats.Delivered, leastDelivered},
		{"takeovers", j.Report.Stats.Takeovers, max(1, int(j.For/takeoverEvery))},
	} {
		if least.met < least.want {
			errs = append(errs, fmt.Errorf("met too little: %d %s, at least %d are needed", least.met, least.what, least.want))
		}
	}
	return errors.Join(errs...)
}

// plan is the same in every process.
func (l Long) plan() workload.Plan {
	return workload.Plan{
		Seed: l.Seed, Policy: l.Policy, Partitions: partitions, Grace: 4 * time.Second, Delivery: 60 * time.Second,
	}
}

// Run starts the brokers and the workers, lets the nemesis loose, and judges.
func (l Long) Run(ctx context.Context) (j Judgement, err error) {
	if l.Policy == "" {
		l.Policy = workload.PerBatch
	}
	folder := l.Keep
	if folder == "" {
		if folder, err = os.MkdirTemp("", "field-"); err != nil {
			return j, err
		}
		defer func() {
			if err == nil && j.Err() == nil {
				err = os.RemoveAll(folder)
			}
		}()
	}
	l.Client, l.Sharing = l.library()
	cluster, err := startBrokers(ctx, l.Version, l.Log)
	if err != nil {
		return j, err
	}
	defer cluster.Stop()
	client, err := ask(cluster)
	if err != nil {
		return j, err
	}
	defer client.Close()
	r := &long{
		Long: l, folder: folder, begun: time.Now().Round(0), cluster: cluster, admin: kadm.NewClient(client), fleet: &fleet{log: l.Log},
	}
	defer func() { err = errors.Join(err, r.fleet.stopAll(stopIn)) }()
	j = Judgement{
		Service: fmt.Sprintf("Apache Kafka %s through %s", cluster.Version(), l.Client), Needs: l.needs(),
		Policy: l.Policy, For: l.For, Folder: folder,
	}
	return j, r.judge(ctx, &j)
}

// library is the client library, and how members share partitions with it.
func (l Long) library() (client.Library, kafka.Assignment) {
	return l.Client.Resolved(), l.Client.Config(kafka.Config{Assignment: l.Sharing}).Assignment
}

// needs are what a run must meet.
func (l Long) needs() []string {
	needs := []string{killedWorker, killedBroker}
	if l.Client == client.Mixed {
		needs = append(needs, moved(client.Franz, client.KafkaGo), moved(client.KafkaGo, client.Franz))
	}
	return needs
}

// long is one run.
type long struct {
	Long
	folder  string
	begun   time.Time
	cluster *testenv.Cluster
	admin   *kadm.Client
	fleet   *fleet
	rec     *history.Recorder // of this process
}

// judge lets things go wrong, waits until all is done, and checks the history.
func (r *long) judge(ctx context.Context, j *Judgement) error {
	file, err := os.Create(filepath.Join(r.folder, "nemesis.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // every line was written already
	r.rec = history.NewFileRecorder(file, r.begun)
	backend, err := kafka.Open(ctx, workerConfig(r.cluster.Bootstrap(), r.Sharing, "judge"))
	if err != nil {
		return err
	}
	defer func() { _ = backend.Close() }()
	if err := r.start(ctx, backend); err != nil {
		return err
	}
	n := &nemesis{seed: r.Seed, cluster: r.cluster, admin: r.admin, fleet: r.fleet, log: r.Log, note: noter(r.rec)}
	until := time.Now().Add(r.For)
	if err := n.rage(ctx, func() bool { return time.Now().Before(until) }); err != nil {
		return err
	}
	j.Met, _ = n.result()
	r.rec.Add(history.Op{Type: history.Note, F: history.Heal})
	if err := r.finish(ctx, backend); err != nil {
		return err
	}
	if err := errors.Join(r.tell(ctx, backend), r.rec.Err()); err != nil {
		return err
	}
	ops, err := merge(r.folder)
	if err == nil {
		j.Report = check.Check(ops, r.level())
	}
	return err
}

// unsaved bounds what is handled while no broker takes a checkpoint: more than producers send in 10 s.
const unsaved = 8_000

// level is what is promised. Where checkpoints are made beside the handler, it goes on while they have to wait.
func (r *long) level() check.Level {
	l := r.plan().Level(traits)
	l.DrainIn, l.QuietIn, l.Quiet = drainIn, drainIn, false
	switch r.Policy {
	case workload.Shuffled, workload.Each, workload.ByKey, workload.DeadLetter:
		l.Window = unsaved
	}
	return l
}

// start makes the topics and starts the workers.
func (r *long) start(ctx context.Context, b stream.Backend) error {
	for _, s := range r.plan().Streams() {
		if err := stream.EnsureStream(ctx, b, s); err != nil {
			return err
		}
	}
	for i := range members + senders {
		o := order{
			Kind: kindLong, Brokers: r.cluster.Bootstrap(), Sharing: string(r.Sharing), Seed: r.Seed, Policy: string(r.Policy),
			Role: roleMember, Name: fmt.Sprintf("m%d", i), History: r.folder, Begun: r.begun.UnixNano(),
		}
		o.Client, o.Moves = r.Client.Of(uint64(i)), r.Client == client.Mixed
		if i >= members {
			o.Role, o.Name = roleProducer, fmt.Sprintf("p%d", i)
		}
		if err := r.fleet.start(o); err != nil {
			return err
		}
	}
	return nil
}

// noter tells the history what was done to whom.
func noter(rec *history.Recorder) func(what, who string) {
	return func(what, who string) {
		op := history.Op{Type: history.Note, F: history.Fault, Proc: who, Err: what}
		switch what {
		case killedWorker, zombie:
			op.F = history.Crash
		case pausedWorker:
			op.F = history.Pause
		}
		rec.Add(op)
	}
}

// finish stops the producers, waits until the group is at the end, and stops the members.
func (r *long) finish(ctx context.Context, b stream.Backend) error {
	if err := r.fleet.stopSenders(stopIn + r.plan().Delivery); err != nil {
		return err
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: workload.Group, Streams: []string{workload.Input}})
	if err != nil {
		return err
	}
	if err := r.await(ctx, c); err != nil {
		return err
	}
	r.rec.Add(history.Op{Type: history.Note, F: history.Drained})
	return r.fleet.stopAll(stopIn)
}

// Handlers that finish records in any order keep some open until others come: a lag that is no more than that, and
// stays as it is, is the end.
const (
	leftOpen  = 100
	staysOpen = 4 * time.Second
)

// await waits until the group is done with everything.
func (r *long) await(ctx context.Context, c stream.Consumer) error {
	ctx, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	var last int64 = -1
	var since time.Time
	for {
		lag, err := lagOf(ctx, c)
		if lag != last || err != nil {
			last, since = lag, time.Now()
		}
		still := time.Since(since) >= staysOpen && lag <= leftOpen && r.Policy == workload.Shuffled
		if err == nil && (lag == 0 || still) {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("the group was not at the end %v after the last fault: %d records", drainIn, lag), err, ctx.Err())
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

// lagOf is how many records a group is behind.
func lagOf(ctx context.Context, c stream.Consumer) (n int64, err error) {
	lags, err := c.Lag(ctx)
	for _, l := range lags {
		if !l.Records.Known {
			err = errors.Join(err, errUnknownLag)
		}
		n += l.Records.N
	}
	return n, err
}

// errUnknownLag is a question that brokers could not answer just now.
var errUnknownLag = errors.New("a partition's lag is not known")

// tell adds what stands in the topics in the end, and what the group has saved.
func (r *long) tell(ctx context.Context, b stream.Backend) error {
	alone := workload.Alone{Plan: r.plan(), Backend: b, Traits: traits, Record: r.rec}
	names := []string{workload.Input}
	if r.Policy == workload.Transact {
		names = append(names, workload.Output)
		n, err := hanging(ctx, r.admin, workload.Output)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d partitions have a transaction that hangs", n)
		}
	}
	for _, name := range names {
		c, err := b.Capabilities(ctx, name)
		if err != nil {
			return err
		}
		numbers := make([]string, c.Partitions)
		for i := range numbers {
			numbers[i] = strconv.Itoa(i)
		}
		stored, err := alone.Read(ctx, name, numbers)
		if err != nil {
			return err
		}
		for _, op := range stored {
			r.rec.Add(op)
		}
	}
	saved, err := r.admin.FetchOffsets(ctx, workload.Group)
	for tries := 1; err != nil && tries < 10 && ctx.Err() == nil; tries++ { // a connection may have ended with its broker
		sleep(ctx, 200*time.Millisecond)
		saved, err = r.admin.FetchOffsets(ctx, workload.Group)
	}
	if err != nil {
		return fmt.Errorf("read the group's offsets: %w", err)
	}
	saved.Each(func(o kadm.OffsetResponse) {
		r.rec.Add(history.Op{
			Type: history.Note, F: history.Saved, Part: o.Topic + "/" + strconv.Itoa(int(o.Partition)),
			Pos: stream.MakePosition([3]uint64{2: uint64(o.At)}, 0, 0),
		})
	})
	return saved.Error()
}

// workLong is one member or one producer.
func workLong(ctx context.Context, o order) error {
	file, err := os.Create(filepath.Join(o.History, fmt.Sprintf("%s.%d.jsonl", o.Name, o.Life)))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // every line was written already
	b, err := o.Client.Open(ctx, workerConfig(o.Brokers, kafka.Assignment(o.Sharing), o.Name))
	if err != nil {
		return err
	}
	l := Long{Seed: o.Seed, Policy: workload.Policy(o.Policy)}
	rec := history.NewFileRecorder(file, time.Unix(0, o.Begun))
	alone := workload.Alone{Plan: l.plan(), Backend: b, Traits: traits, Record: rec, Life: o.Life, Name: o.Name}
	if o.Role == roleProducer {
		alone.Producer(ctx)
	} else {
		alone.Member(ctx)
	}
	return errors.Join(rec.Err(), b.Close())
}

// readLines reads what a process has written. The last line of one that was killed may be cut off.
func readLines(path string) ([]history.Op, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if i := bytes.LastIndexByte(text, '\n'); !json.Valid(text[i+1:]) {
		text = text[:i+1]
	}
	ops, err := history.Read(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return ops, nil
}
