package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A venue is where the sides of the subcommand kafka meet: one broker, started when it is first needed, and topics made
// for one comparison each. Its methods are called from one goroutine.
type venue struct {
	given       []string // brokers that run already
	warmRecords int      // that a broker started here moves again and again before anything is measured
	node        *cluster // nil: none was started
	client      *kgo.Client
	admin       *kadm.Client
	topics      int
}

// open makes sure that there is a broker to talk to, and returns its address.
func (v *venue) open(ctx context.Context) ([]string, error) {
	if v.client != nil {
		return v.brokers(), nil
	}
	if len(v.given) == 0 {
		node, err := startCluster(ctx, 1)
		if err != nil {
			return nil, err
		}
		v.node = node
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(v.brokers()...), kgo.MetadataMinAge(metadataAge),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(linger),
	)
	if err != nil {
		return nil, err
	}
	v.client, v.admin = client, kadm.NewClient(client)
	if v.node == nil {
		return v.brokers(), nil
	}
	return v.brokers(), v.warm(ctx)
}

// warmBursts is how often a new broker is written to and read before anything is measured: its compiler has not seen
// the code yet.
const warmBursts = 4

func (v *venue) warm(ctx context.Context) error {
	load := headline.load()
	for range warmBursts {
		at := site{shape: headline, brokers: v.brokers(), load: load, linger: linger}
		n := headline.records(v.warmRecords)
		topic, sum, gone, err := v.filled(ctx, headline, load, n)
		if err != nil {
			return err
		}
		at.topic = topic
		_, err = franzPeer().consumeEntry(at, n, sum).bout(ctx)
		if err = errors.Join(err, gone()); err != nil {
			return err
		}
	}
	return nil
}

// metadataAge is how long bare franz-go keeps what it knows of leaders, as this library does.
const metadataAge = 250 * time.Millisecond

func (v *venue) brokers() []string {
	if v.node != nil {
		return v.node.brokers
	}
	return v.given
}

// topic makes a topic of a single replica and returns when it can be written to. gone deletes it.
func (v *venue) topic(ctx context.Context, partitions int) (name string, gone func() error, err error) {
	v.topics++
	name = fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), v.topics)
	if _, err := v.admin.CreateTopic(ctx, int32(partitions), 1, nil, name); err != nil {
		return "", nil, fmt.Errorf("create topic: %w", err)
	}
	gone = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		_, err := v.admin.DeleteTopic(ctx, name)
		return err
	}
	for {
		details, err := v.admin.ListTopics(ctx, name)
		if err == nil && ready(details[name], partitions) {
			return name, gone, nil
		}
		select {
		case <-ctx.Done():
			return "", nil, errors.Join(ctx.Err(), gone())
		case <-time.After(metadataAge):
		}
	}
}

func ready(t kadm.TopicDetail, partitions int) bool {
	if t.Err != nil || len(t.Partitions) != partitions {
		return false
	}
	for _, p := range t.Partitions {
		if p.Err != nil || p.Leader < 0 {
			return false
		}
	}
	return true
}

// filled makes a topic that holds n records of the load, every partition as many, and tells the sum of their digests.
func (v *venue) filled(ctx context.Context, s shape, l *load, n int) (name string, sum uint64, gone func() error, err error) {
	name, gone, err = v.topic(ctx, s.partitions)
	if err != nil {
		return "", 0, nil, err
	}
	filler, err := kgo.NewClient(
		kgo.SeedBrokers(v.brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(buffered), kgo.ProducerBatchCompression(franzCodec(s.codec)), kgo.DefaultProduceTopic(name),
		kgo.MetadataMinAge(metadataAge),
	)
	if err != nil {
		return "", 0, nil, errors.Join(err, gone())
	}
	defer filler.Close()
	var first kgo.FirstErrPromise
	for i := range n {
		r := l.records[i%len(l.records)]
		sum += digest(r.Value)
		filler.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value, Partition: int32(i % s.partitions)}, first.Promise())
	}
	if err := errors.Join(filler.Flush(ctx), first.Err()); err != nil {
		return "", 0, nil, errors.Join(err, gone())
	}
	return name, sum, gone, nil
}

func (v *venue) close() error {
	if v.client != nil {
		v.client.Close()
	}
	if v.node != nil {
		return v.node.stop()
	}
	return nil
}
