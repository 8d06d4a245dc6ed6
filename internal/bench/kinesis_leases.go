package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// kclWrites is how many writes KCL makes an hour for each lease, to renew it alone: one in 3.308 s, a third of the
// failover time of 10 s less its slack.
const kclWrites = 3600 / 3.308

// leaseStudy tells how fast leases move, and what they cost.
func leaseStudy(ctx context.Context, l *lab) error {
	t := &Table{
		Title:   "16 leases, failover time 10 s, in virtual time",
		Heading: []string{"what", "median", "least", "most", "unit"},
	}
	found := map[string]map[string]Sample{}
	for _, name := range []string{"failover", "join", "writes"} {
		var err error
		if found[name], err = l.repeatBubble(ctx, name); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		bubble, figure, metric, what, unit string
		target                             *Target
	}{
		{"failover", "last", "kinesis.failover_time", "one of 3 members killed: until its last lease is taken", "failovers", atMost(1.5)},
		{"failover", "even", "kinesis.failover_balance_time", "until the other two hold 8 each", "failovers", nil},
		{"join", "even", "kinesis.join_balance_time", "a third member joins two: until they are even to one", "failovers", atMost(2)},
		{"join", "mass", "kinesis.join_many_balance_time", "five more join: until they are even to one", "failovers", nil},
		{"writes", "idle", "kinesis.lease_writes", "DynamoDB writes a lease and hour, nothing to read", "writes/h", nil},
		{"writes", "busy", "kinesis.lease_writes_busy", "with a checkpoint a second", "writes/h", nil},
		{"writes", "reads", "kinesis.lease_scans", "scans of the table a member and hour", "scans/h", nil},
	} {
		sample := found[c.bubble][c.figure]
		t.add(c.what, number(sample.Median()), number(sample.Min()), number(sample.Max()), c.unit)
		l.metric(newMetric(c.metric, c.unit, sample, c.target))
		if c.bubble == "writes" && c.figure != "reads" {
			l.metric(newMetric(c.metric+"_vs_kcl", "x", sample.times(1/kclWrites), nil))
		}
	}
	t.add("KCL's renewals of a lease, as its constants give them", number(kclWrites), number(kclWrites), number(kclWrites), "writes/h")
	l.table(t)
	return nil
}

// failOver kills one of three members that share the leases evenly.
func failOver(o bubbleOptions) (found map[string]float64, err error) {
	ctx := context.Background()
	f, err := newFleet(o, fleetShards)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.end()) }()
	for range 3 {
		if _, err := f.join(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := until(f.isEven); err != nil {
		return nil, err
	}
	settle(o)
	victim := f.members[o.seed%3]
	victim.kill()
	began := time.Now()
	last, err := until(func() bool { return f.owners()[victim.name] == 0 })
	if err != nil {
		return nil, err
	}
	if _, err := until(f.isEven); err != nil {
		return nil, err
	}
	return map[string]float64{"last": inFailovers(last), "even": inFailovers(time.Since(began))}, nil
}

// balance has members join others that share the leases evenly.
func balance(o bubbleOptions) (found map[string]float64, err error) {
	ctx := context.Background()
	f, err := newFleet(o, fleetShards)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.end()) }()
	found = map[string]float64{}
	for _, step := range []struct {
		figure string
		join   int
	}{{"first", 2}, {"even", 1}, {"mass", 5}} {
		settle(o)
		for range step.join {
			if _, err := f.join(ctx); err != nil {
				return nil, err
			}
		}
		took, err := until(f.isEven)
		if err != nil {
			return nil, err
		}
		found[step.figure] = inFailovers(took)
	}
	return found, nil
}

// settle lets some time pass, so that what comes next comes at any moment of the members' rounds.
func settle(o bubbleOptions) {
	dice := rand.New(rand.NewPCG(o.seed, 1))
	time.Sleep(3*failoverOf + time.Duration(dice.Int64N(int64(failoverOf))))
}

func inFailovers(d time.Duration) float64 { return d.Seconds() / failoverOf.Seconds() }

// countWrites counts the calls of DynamoDB that two members make, first with nothing to do, then with a record for every
// shard four times a second.
func countWrites(o bubbleOptions) (found map[string]float64, err error) {
	ctx := context.Background()
	f, err := newFleet(o, fleetShards)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.end()) }()
	for range 2 {
		if _, err := f.join(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := until(f.isEven); err != nil {
		return nil, err
	}
	settle(o)
	length := 10 * time.Minute
	if o.smoke {
		length = time.Minute
	}
	found = map[string]float64{}
	perHour := time.Hour.Seconds() / length.Seconds()
	before := f.world.tables.Ops()
	time.Sleep(length)
	after := f.world.tables.Ops()
	found["idle"] = float64(writes(after)-writes(before)) * perHour / fleetShards
	found["reads"] = float64(after["Scan"]-before["Scan"]) * perHour / 2

	if err := f.feed(ctx, length); err != nil {
		return nil, err
	}
	found["busy"] = float64(writes(f.world.tables.Ops())-writes(after)) * perHour / fleetShards
	return found, nil
}

func writes(ops map[string]int) int { return ops["UpdateItem"] + ops["PutItem"] + ops["DeleteItem"] }

// feed sends a record for every shard four times a second.
func (f *fleet) feed(ctx context.Context, length time.Duration) (err error) {
	backend, err := f.world.open(ctx, &road{world: f.world}, kinesis.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	producer, err := stream.NewProducer(ctx, backend, stream.ProducerConfig{Streams: []string{streamName}})
	if err != nil {
		return err
	}
	var records []*stream.Record
	for _, keys := range keysByShard(fleetShards, 1) {
		records = append(records, &stream.Record{Stream: streamName, Key: []byte(keys[0]), Value: make([]byte, valueBytes)})
	}
	for began := time.Now(); time.Since(began) < length; time.Sleep(250 * time.Millisecond) {
		if err := producer.Send(ctx, records...); err != nil {
			return errors.Join(err, producer.Close(ctx))
		}
	}
	return producer.Close(ctx)
}
