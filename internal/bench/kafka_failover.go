package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	failoverNodes = 3
	failoverTries = 3           // of each, however many repetitions are asked for: each takes up to half a minute
	failoverLimit = time.Minute // for a first record, and for the cluster to be whole again
	leftWithin    = 8_000       // milliseconds after which a paused or dead leader should be left
	failoverPoll  = 50 * time.Millisecond
)

// failoverStudy measures how long the first record takes after the leader of its partition has moved, died or stopped to
// answer. It starts three brokers of its own.
func failoverStudy(ctx context.Context, l *lab) (err error) {
	if l.Smoke || len(l.Brokers) > 0 {
		return nil // brokers of others are not killed, and three take longer to start than a smoke run may
	}
	l.progress("starting three brokers")
	nodes, err := startCluster(ctx, failoverNodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	client, err := kgo.NewClient(kgo.SeedBrokers(nodes.brokers...), kgo.MetadataMinAge(failoverPoll))
	if err != nil {
		return err
	}
	defer client.Close()
	f := &failover{cluster: nodes, admin: kadm.NewClient(client)}
	t := &Table{
		Title:   fmt.Sprintf("The first record without its leader, in ms: three brokers, acks=all, %d tries each", failoverTries),
		Heading: []string{"leader", "side", "median", "least", "most", "errors before"},
	}
	for _, c := range []struct {
		name, metric string
		strike, heal func(context.Context) error
		target       *Target
	}{
		{"moved", "moved", f.move, f.whole, nil},
		{"kill -9", "killed", f.kill, f.restart, atMost(leftWithin)},
		{"SIGSTOP", "paused", f.pause, f.resume, atMost(leftWithin)},
	} {
		for _, side := range []string{nameFranz, nameSendAsync, nameKafkago} {
			l.progress(fmt.Sprintf("leader %s: %s", c.name, side))
			sample, failures, err := f.try(ctx, peerOf(side), c.strike, c.heal)
			if err != nil {
				return fmt.Errorf("leader %s, %s: %w", c.name, side, err)
			}
			t.add(c.name, side, number(sample.Median()), number(sample.Min()), number(sample.Max()), number(float64(failures)))
			switch side {
			case nameSendAsync:
				l.metric(newMetric("kafka.first_produce_"+c.metric, "ms", sample, c.target))
			case nameFranz:
				l.metric(newMetric("kafka.first_produce_"+c.metric+"_franz", "ms", sample, nil))
			}
		}
	}
	l.table(t)
	return nil
}

// failover is the three brokers and a topic of one partition on all of them.
type failover struct {
	cluster *cluster
	admin   *kadm.Client
	topic   string
	struck  int // the node that was leader
}

// try strikes the leader again and again, and tells the milliseconds until a record is acknowledged and how many were
// not before.
func (f *failover) try(
	ctx context.Context, p peer, strike, heal func(context.Context) error,
) (sample Sample, failures int, err error) {
	f.topic = fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if _, err := f.admin.CreateTopic(ctx, 1, failoverNodes, nil, f.topic); err != nil {
		return nil, 0, err
	}
	if err := f.whole(ctx); err != nil {
		return nil, 0, err
	}
	for range failoverTries {
		took, failed, err := f.once(ctx, p, strike)
		if err = errors.Join(err, heal(ctx)); err != nil {
			return nil, 0, err
		}
		sample, failures = append(sample, microseconds(took)/1_000), failures+failed
	}
	return sample, failures, nil
}

func (f *failover) once(
	ctx context.Context, p peer, strike func(context.Context) error,
) (took time.Duration, failures int, err error) {
	load := headline.load()
	publisher, err := p.producer(ctx, site{
		shape: shape{partitions: 1, codec: "none"}, brokers: f.cluster.brokers, topic: f.topic, load: load,
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, publisher.close(ctx)) }()
	sender, record := publisher.(single), load.records[0]
	if err := sendOne(ctx, sender, record.Key, record.Value); err != nil {
		return 0, 0, err
	}
	if f.struck, err = f.leader(ctx); err != nil {
		return 0, 0, err
	}
	if err := strike(ctx); err != nil {
		return 0, 0, err
	}
	for began := time.Now(); ; failures++ {
		err := sendOne(ctx, sender, record.Key, record.Value)
		took := time.Since(began)
		if err == nil {
			return took, failures, nil
		}
		if took > failoverLimit {
			return 0, 0, fmt.Errorf("no record within %v: %w", took, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// partition is how the topic's only partition stands.
func (f *failover) partition(ctx context.Context) (kadm.PartitionDetail, error) {
	topics, err := f.admin.ListTopics(ctx, f.topic)
	if err != nil {
		return kadm.PartitionDetail{}, err
	}
	p, ok := topics[f.topic].Partitions[0]
	if !ok {
		return kadm.PartitionDetail{}, errors.New("the topic has no partition yet")
	}
	return p, p.Err
}

func (f *failover) leader(ctx context.Context) (int, error) {
	p, err := f.partition(ctx)
	return int(p.Leader), err
}

// move hands the leadership to another replica, in an orderly way, and returns when it has it.
func (f *failover) move(ctx context.Context) error {
	p, err := f.partition(ctx)
	if err != nil {
		return err
	}
	order := make([]int32, 0, failoverNodes)
	for _, node := range p.Replicas {
		if node != p.Leader {
			order = append(order, node)
		}
	}
	var to kadm.AlterPartitionAssignmentsReq
	to.Assign(f.topic, 0, append(order, p.Leader))
	if _, err := f.admin.AlterPartitionAssignments(ctx, to); err != nil {
		return err
	}
	return f.until(ctx, func() bool {
		if p, err := f.partition(ctx); err != nil || p.Replicas[0] != order[0] {
			return false
		}
		var which kadm.TopicsSet
		which.Add(f.topic, 0)
		if _, err := f.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, which); err != nil {
			return false
		}
		leader, err := f.leader(ctx)
		return err == nil && leader != f.struck
	})
}

func (f *failover) kill(context.Context) error  { return f.cluster.Kill(f.struck) }
func (f *failover) pause(context.Context) error { return f.cluster.Pause(f.struck) }

func (f *failover) restart(ctx context.Context) error {
	return errors.Join(f.cluster.Restart(ctx, f.struck), f.whole(ctx))
}

func (f *failover) resume(ctx context.Context) error {
	return errors.Join(f.cluster.Resume(f.struck), f.whole(ctx))
}

// whole returns when every replica is in sync.
func (f *failover) whole(ctx context.Context) error {
	return f.until(ctx, func() bool {
		p, err := f.partition(ctx)
		return err == nil && p.Leader > 0 && len(p.ISR) == failoverNodes
	})
}

func (f *failover) until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, failoverLimit, fmt.Errorf("the cluster is not whole within %v", failoverLimit))
	defer cancel()
	tick := time.NewTicker(failoverPoll)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}
