// Package kfake is the Kafka adapter on kfake as an environment: brokers, clients and the connections between them live
// in one testing/synctest bubble, with virtual time. franz-go, on which kfake stands, works in a bubble only when it is
// built with the tag synctests; a history is not the seed's alone, since the client libraries have randomness of their own.
package kfake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	fake "github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// Brokers opens clusters of three brokers. The seed draws how members share partitions and how old the brokers are.
type Brokers struct {
	Client client.Library
	Change func(*kafka.Config) // of a mutant; nil: none
}

// session is after what silence a member is taken for dead.
const session = time.Second

// patience is that for members on kafka-go, and how long they may take to join. kfake, unlike brokers, lets the sessions of
// members end that wait for others in JoinGroup or SyncGroup, and miscounts from then on: who waits must not wait as long.
// franz-go comes back soon enough as who it was; kafka-go comes back as somebody new.
func (b Brokers) patience() (alive, joined time.Duration) {
	if b.Client.Default() {
		return session, 2 * session
	}
	return 3 * session / 2, session
}

// Choices are what kfake can be made to do, and faults of the connections. Where there are no transactions of the workload's
// own, others write to its streams and abort.
func (b Brokers) Choices() []fault.Choice {
	if !b.Client.Transactions() {
		return append(choices(), fault.Choice{Kind: fault.Abort, Targets: []string{"0s", "5ms", "50ms"}, Most: 11, Steps: 5})
	}
	return choices()
}

func choices() []fault.Choice {
	written := []string{"produce", "offset_commit", "txn_offset_commit", "add_offsets_to_txn", "end_txn", "init_producer_id"}
	asked := append([]string{"fetch", "heartbeat", "metadata", "offset_fetch", "list_offsets", "find_coordinator"}, written...)
	return []fault.Choice{
		{Kind: fault.Crash, Most: 7},
		{Kind: fault.Pause, Targets: []string{"200ms", "900ms", "1500ms", "3s"}, Most: 7},
		{Kind: fault.Join, Steps: 2},
		{Kind: fault.Leave, Most: 7},
		{Kind: fault.Trim, Targets: []string{"half", "all"}, Most: 7},
		{Kind: fault.Grow, Steps: 2},
		{Kind: fault.Move},
		{Kind: fault.Coordinator},
		{Kind: fault.Refuse, Targets: codes(), Most: 3},
		{Kind: fault.Lose, Targets: written, Most: 6},
		{Kind: fault.Late, Targets: asked, Most: 6},
		{Kind: fault.Cut, Targets: asked, Most: 6},
	}
}

// Traits are a Kafka topic's.
func (b Brokers) Traits() env.Traits {
	return env.Traits{
		Headers: true, Tombstones: true, NilKeys: true, EventTime: true, Transactions: b.Client.Transactions(),
		RecordBytes: 1<<20 - 512,
		// A crash leaves a transaction open until its time-out, after a session and a rebalance.
		Level: check.Level{KeyOrder: true, Fencing: true, Idempotent: true, QuietIn: 20 * time.Second},
	}
}

// Open makes a cluster and opens the adapter on it.
func (b Brokers) Open(ctx context.Context, s env.Settings) (env.Env, error) {
	e := &service{wires: newWires()}
	e.closing, e.close = context.WithCancel(ctx)
	c, err := fake.NewCluster(append(versions(s.Seed),
		fake.NumBrokers(3), fake.Ports(9001, 9002, 9003), fake.ListenFn(e.wires.net.Listen), fake.GroupMinSessionTimeout(session/10),
		fake.BrokerConfigs(map[string]string{
			"group.consumer.session.timeout.ms":    strconv.FormatInt(session.Milliseconds(), 10),
			"group.consumer.heartbeat.interval.ms": strconv.FormatInt(session.Milliseconds()/5, 10),
		}),
	)...)
	if err != nil {
		return nil, err
	}
	e.cluster = c
	answerEpochs(c)
	e.pulses.feel(c)
	for _, topic := range s.Streams {
		if err := c.CreateTopic(topic.Name, int32(topic.Partitions), nil); err != nil {
			c.Close()
			return nil, err
		}
	}
	alive, joined := b.patience()
	config := kafka.Config{
		Brokers: c.ListenAddrs(), Dial: e.wires.dial, Assignment: sharing(s.Seed),
		Session: alive, Heartbeat: alive / 5, Rebalance: joined, TxTimeout: 5 * time.Second,
		ProduceTimeout: 500 * time.Millisecond, RequestTimeout: 500 * time.Millisecond,
		MetadataMinAge: 10 * time.Millisecond, MetadataMaxAge: time.Second,
	}
	if b.Change != nil {
		b.Change(&config)
	}
	inner, err := b.Client.Open(ctx, b.Client.Config(config))
	if err != nil {
		c.Close()
		return nil, err
	}
	e.inner, e.outer = inner, inner
	e.work.Go(func() { e.bury(workload.Group, alive) })
	if s.Wrap != nil {
		e.outer = s.Wrap(inner)
	}
	return e, nil
}

// versions are those of the newest brokers, or of the last without KIP-848 and transactions of version 2.
func versions(seed uint64) []fake.Opt {
	if seed%4 == 3 {
		return []fake.Opt{fake.MaxVersions(kversion.V3_8_0())}
	}
	return nil
}

func sharing(seed uint64) kafka.Assignment {
	return [...]kafka.Assignment{kafka.Cooperative, kafka.Server, kafka.Eager, kafka.Cooperative}[seed%4]
}

// answerEpochs works around a fault of kfake: after a leader has changed and nothing was written since, it answers
// OffsetForLeaderEpoch as if the log had been cut off. Nothing is ever cut off here.
func answerEpochs(c *fake.Cluster) {
	c.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked := r.(*kmsg.OffsetForLeaderEpochRequest)
		answer := asked.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, topic := range asked.Topics {
			t := kmsg.NewOffsetForLeaderEpochResponseTopic()
			t.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				p := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				p.Partition, p.LeaderEpoch, p.EndOffset = partition.Partition, partition.LeaderEpoch, math.MaxInt64
				t.Partitions = append(t.Partitions, p)
			}
			answer.Topics = append(answer.Topics, t)
		}
		return answer, nil, true
	})
}

// service is one cluster in one bubble.
type service struct {
	cluster *fake.Cluster
	wires   *wires
	pulses  pulses
	inner   client.Backend
	outer   stream.Backend

	closing context.Context // ends with Close
	close   context.CancelFunc
	work    sync.WaitGroup
	strange sync.WaitGroup // strangers' transactions

	mu        sync.Mutex // guards what follows
	faults    []*fake.FaultHandle
	strangers int // producers of transactions that are aborted
}

func (e *service) Backend() stream.Backend { return e.outer }

// Partitions are all that the topic has: none ever goes.
func (e *service) Partitions(topic string) []string {
	var names []string
	for _, p := range e.cluster.PartitionInfos(topic) {
		names = append(names, strconv.Itoa(int(p.Partition)))
	}
	slices.Sort(names)
	return names
}

// Saved is what the group's coordinator has.
func (e *service) Saved(_ context.Context, group, topic, partition string) (stream.Position, error) {
	number, err := strconv.ParseInt(partition, 10, 32)
	if err != nil {
		return stream.Position{}, fmt.Errorf("partition %q: %w", partition, err)
	}
	info := e.cluster.GroupInfo(group)
	if info == nil {
		return stream.Position{}, nil
	}
	saved, ok := info.Commits[topic][int32(number)]
	if !ok {
		return stream.Position{}, nil
	}
	return position(saved.Offset), nil
}

// position is the one of the record before an offset: the adapter's numbers are offsets plus one.
func position(offset int64) stream.Position {
	return stream.MakePosition([3]uint64{2: uint64(offset)}, 0, 0)
}

// Heal ends what has not happened yet, and waits until all strangers' transactions are decided.
func (e *service) Heal() {
	e.wires.heal()
	e.mu.Lock()
	faults := e.faults
	e.faults = nil
	e.mu.Unlock()
	for _, f := range faults {
		f.Remove()
	}
	e.strange.Wait()
}

// Close ends everything.
func (e *service) Close() error {
	e.close()
	e.work.Wait()
	e.strange.Wait()
	err := errors.Join(e.outer.Close(), e.inner.Close())
	e.cluster.Close()
	return err
}
