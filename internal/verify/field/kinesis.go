package field

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// Kinesis is what Long is, on emulators of Kinesis and DynamoDB: members and producers are processes, shards split and
// merge, and the services are throttled, cut off and answer in vain.
type Kinesis struct {
	Policy workload.Policy // PerRecord, PerBatch or State; default PerBatch
	For    time.Duration   // how long things go wrong
	Seed   uint64
	Log    io.Writer // never nil
}

const kindKinesis = "kinesis"

// streamTraits are those of a Kinesis stream with Config.Tags.
var streamTraits = env.Traits{
	Headers: true, Tombstones: true, NilKeys: true, EventTime: true, RecordBytes: 1<<20 - 512,
	Level: check.Level{KeyOrder: true, Fencing: true},
}

// emulated names what answers.
const emulated = "kinesis-local " + testenv.KinesisLocalVersion + " and DynamoDB Local " + testenv.DynamoDBLocalVersion

// plan is the same in every process.
func (k Kinesis) plan() workload.Plan {
	return workload.Plan{
		Seed: k.Seed, Policy: k.Policy, Partitions: 2, Grace: 4 * time.Second, Delivery: 60 * time.Second,
	}
}

// Run starts the emulators and the workers, lets the nemesis loose, and judges.
func (k Kinesis) Run(ctx context.Context) (j Judgement, err error) {
	switch k.Policy {
	case "":
		k.Policy = workload.PerBatch
	case workload.PerRecord, workload.PerBatch, workload.State:
	default:
		return j, fmt.Errorf("policy %s saves beside the handler, and the history does not tell what a killed process has saved", k.Policy)
	}
	folder, err := os.MkdirTemp("", "field-")
	if err != nil {
		return j, err
	}
	defer func() {
		if err == nil && j.Err() == nil {
			err = os.RemoveAll(folder)
		}
	}()
	c, err := startCloud(ctx, k.Seed, k.Log)
	if err != nil {
		return j, err
	}
	defer c.stop()
	backend, err := kinesis.Open(ctx, cloudConfig(c.kinesis.Endpoint(), c.dynamo.Endpoint()))
	if err != nil {
		return j, err
	}
	defer func() { _ = backend.Close() }() // it holds nothing
	r := &cloudRun{Kinesis: k, folder: folder, begun: time.Now().Round(0), cloud: c, backend: backend, fleet: &fleet{log: k.Log}}
	defer func() { err = errors.Join(err, r.fleet.stopAll(stopIn)) }()
	j = Judgement{
		Service: emulated, Needs: []string{killedWorker, splitShard, mergedShards}, Policy: k.Policy, For: k.For, Folder: folder,
	}
	return j, r.judge(ctx, &j)
}

// cloudRun is one run.
type cloudRun struct {
	Kinesis
	folder  string
	begun   time.Time
	cloud   *cloud
	backend *kinesis.Backend // not through the proxies
	fleet   *fleet
	rec     *history.Recorder // of this process
}

// judge lets things go wrong, waits until all is done, and checks the history.
func (r *cloudRun) judge(ctx context.Context, j *Judgement) error {
	file, err := os.Create(filepath.Join(r.folder, "nemesis.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // every line was written already
	r.rec = history.NewFileRecorder(file, r.begun)
	if err := r.start(ctx); err != nil {
		return err
	}
	n := &nemesis{
		seed: r.Seed, cloud: r.cloud, client: r.backend.Clients().Kinesis, fleet: r.fleet, log: r.Log, note: noter(r.rec),
	}
	until := time.Now().Add(r.For)
	if err := n.rage(ctx, func() bool { return time.Now().Before(until) }); err != nil {
		return err
	}
	j.Met, _ = n.result()
	r.rec.Add(history.Op{Type: history.Note, F: history.Heal})
	if err := r.finish(ctx); err != nil {
		return err
	}
	if err := errors.Join(r.tell(ctx), r.rec.Err()); err != nil {
		return err
	}
	ops, err := merge(r.folder)
	if err == nil {
		l := r.plan().Level(streamTraits)
		l.DrainIn, l.QuietIn, l.Quiet = drainIn, drainIn, false
		j.Report = check.Check(ops, l)
	}
	return err
}

// start makes the stream and starts the workers.
func (r *cloudRun) start(ctx context.Context) error {
	config := stream.StreamConfig{Name: workload.Input, Partitions: r.plan().Partitions}
	if err := r.backend.EnsureStream(ctx, config); err != nil {
		return err
	}
	for i := range members + senders {
		o := order{
			Kind: kindKinesis, Streams: r.cloud.streams.Endpoint(), Tables: r.cloud.tables.Endpoint(), Seed: r.Seed,
			Policy: string(r.Policy), Role: roleMember, Name: fmt.Sprintf("m%d", i), History: r.folder, Begun: r.begun.UnixNano(),
		}
		if i >= members {
			o.Role, o.Name = roleProducer, fmt.Sprintf("p%d", i)
		}
		if err := r.fleet.start(o); err != nil {
			return err
		}
	}
	return nil
}

// finish stops the producers, waits until the group is at the end, and stops the members.
func (r *cloudRun) finish(ctx context.Context) error {
	if err := r.fleet.stopSenders(stopIn + r.plan().Delivery); err != nil {
		return err
	}
	c, err := stream.NewConsumer(ctx, r.backend, stream.ConsumerConfig{Group: workload.Group, Streams: []string{workload.Input}})
	if err != nil {
		return err
	}
	if err := awaitTip(ctx, c); err != nil {
		return err
	}
	r.rec.Add(history.Op{Type: history.Note, F: history.Drained})
	return r.fleet.stopAll(stopIn)
}

// awaitTip waits until every shard is done with.
func awaitTip(ctx context.Context, c stream.Consumer) error {
	ctx, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	for {
		lags, err := c.Lag(ctx)
		behind := 0
		for _, l := range lags {
			if !l.Millis.Known || l.Millis.N > 0 {
				behind++
			}
		}
		if err == nil && behind == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("the group was not at the end %v after the last fault: %d shards", drainIn, behind), err, ctx.Err())
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

// tell adds the lineage, what stands in the shards in the end, and what the group has saved.
func (r *cloudRun) tell(ctx context.Context) error {
	all, err := shards(ctx, r.backend.Clients().Kinesis, workload.Input)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range all {
		names = append(names, *s.ShardId)
		op := history.Op{Type: history.Note, F: history.Reshard, Part: workload.Input + "/" + *s.ShardId}
		for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if parent != nil {
				op.From = append(op.From, workload.Input+"/"+*parent)
			}
		}
		if len(op.From) > 0 {
			r.rec.Add(op)
		}
	}
	alone := workload.Alone{Plan: r.plan(), Backend: r.backend, Traits: streamTraits, Record: r.rec}
	stored, err := alone.Read(ctx, workload.Input, names)
	if err != nil {
		return err
	}
	last := map[string]stream.Position{}
	for _, op := range stored {
		r.rec.Add(op)
		last[op.Part] = op.Pos
	}
	return r.tellSaved(ctx, last)
}

// tellSaved adds the table's checkpoints. A row at the end of its shard stands for the last record.
func (r *cloudRun) tellSaved(ctx context.Context, last map[string]stream.Position) error {
	rows, err := r.backend.Clients().DynamoDB.Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(workload.Group + "-" + workload.Input), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("read the lease table: %w", err)
	}
	for _, row := range rows.Items {
		op := history.Op{Type: history.Note, F: history.Saved, Part: workload.Input + "/" + text(row["leaseKey"])}
		at := text(row["checkpoint"])
		if sub := text(row["checkpointSubSequenceNumber"]); sub != "" && sub != "0" {
			at += "." + sub
		}
		switch {
		case at == "SHARD_END":
			op.Pos = last[op.Part]
		case op.Pos.UnmarshalText([]byte(at)) != nil:
			continue // nothing is saved yet
		}
		if !op.Pos.IsZero() {
			r.rec.Add(op)
		}
	}
	return nil
}

// text is an attribute as a string or a number; "" if it is neither.
func text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// workKinesis is one member or one producer.
func workKinesis(ctx context.Context, o order) error {
	file, err := os.Create(filepath.Join(o.History, fmt.Sprintf("%s.%d.jsonl", o.Name, o.Life)))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // every line was written already
	b, err := kinesis.Open(ctx, cloudConfig(o.Streams, o.Tables))
	if err != nil {
		return err
	}
	k := Kinesis{Seed: o.Seed, Policy: workload.Policy(o.Policy)}
	rec := history.NewFileRecorder(file, time.Unix(0, o.Begun))
	alone := workload.Alone{
		Plan: k.plan(), Backend: b, Traits: streamTraits, Record: rec, Life: o.Life, Name: o.Name, Rest: 200 * time.Millisecond,
	}
	if o.Role == roleProducer {
		alone.Producer(ctx)
	} else {
		alone.Member(ctx)
	}
	return errors.Join(rec.Err(), b.Close())
}
