package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/stream"
)

// The place of connectionStudy.
const (
	connectionNodes      = 3
	connectionPartitions = 100
	connectionSettle     = 5 * time.Second // in which a group has joined and every partition was read
)

// connectionStudy counts the connections of one producer and one member of a group that reads 100 partitions on three
// brokers, which it starts, and those of kafka-go's own Reader.
func connectionStudy(ctx context.Context, l *lab) (err error) {
	if l.Smoke || len(l.Brokers) > 0 {
		return nil // three brokers take longer to start than a smoke run may
	}
	l.progress("starting three brokers")
	nodes, err := startCluster(ctx, connectionNodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	client, err := kgo.NewClient(kgo.SeedBrokers(nodes.brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	topic := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if _, err := kadm.NewClient(client).CreateTopic(ctx, connectionPartitions, connectionNodes, nil, topic); err != nil {
		return err
	}
	t := &Table{
		Title:   fmt.Sprintf("Connections, %d partitions on %d brokers", connectionPartitions, connectionNodes),
		Heading: []string{"side", "open at a time, at most", "dialled"},
	}
	for _, side := range []struct {
		name, metric string
		target       *Target
		work         func(context.Context, *dials, []string, string) error
	}{
		{nameOnKafkago, "kafkago.connections", atMost(20), throughBackend(kafkago.Open)},
		{nameSendAsync, "kafka.connections", nil, throughBackend(kafka.Open)},
		{nameKafkago + " Reader", "kafkago.connections_reader", nil, throughReader},
	} {
		l.progress("counting: " + side.name)
		var d dials
		if err := side.work(ctx, &d, nodes.brokers, topic); err != nil {
			return fmt.Errorf("%s: %w", side.name, err)
		}
		most := float64(d.most.Load())
		t.add(side.name, number(most), number(float64(d.all.Load())))
		l.metric(newMetric(side.metric, "connections", Sample{most}, side.target))
	}
	l.table(t)
	return nil
}

// dials counts connections.
type dials struct{ open, most, all atomic.Int64 }

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.all.Add(1)
	now := d.open.Add(1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	return &counted{Conn: c, gone: sync.OnceFunc(func() { d.open.Add(-1) })}, nil
}

// A counted connection is told when it is closed.
type counted struct {
	net.Conn
	gone func()
}

// Close closes the connection.
func (c *counted) Close() error {
	c.gone()
	return c.Conn.Close()
}

// throughBackend produces to all partitions and reads them in a group, for as long as connectionSettle.
func throughBackend(open way) func(context.Context, *dials, []string, string) error {
	return func(ctx context.Context, d *dials, brokers []string, topic string) (err error) {
		b, err := open(ctx, kafka.Config{Brokers: brokers, Dial: d.dial})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		producer, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{topic}})
		if err != nil {
			return err
		}
		consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: topic, Streams: []string{topic}})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, connectionSettle)
		defer cancel()
		var crew sync.WaitGroup
		crew.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_ = producer.Send(ctx, &stream.Record{Stream: topic, Key: fmt.Append(nil, i), Value: []byte("value")})
			}
		})
		defer crew.Wait()
		return consumer.Run(ctx, stream.Each(func(context.Context, *stream.Record) error { return nil }))
	}
}

// throughReader reads all partitions in a group, for as long as connectionSettle.
func throughReader(ctx context.Context, d *dials, brokers []string, topic string) error {
	r := segmentio.NewReader(segmentio.ReaderConfig{
		Brokers: brokers, GroupID: topic + "-reader", Topic: topic, Dialer: &segmentio.Dialer{DialFunc: d.dial},
	})
	ctx, cancel := context.WithTimeout(ctx, connectionSettle)
	defer cancel()
	for {
		_, err := r.FetchMessage(ctx)
		switch {
		case ctx.Err() != nil:
			return r.Close()
		case err != nil:
			return errors.Join(err, r.Close())
		}
	}
}
