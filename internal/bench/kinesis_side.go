package main

import (
	"context"
	"errors"
	"time"

	"github.com/streamport-go/streamport/kinesis"
)

// A kinesisSite is where a side works.
type kinesisSite struct {
	url  string
	load *load
	wire *wire
}

// openKinesis opens the backend as c says, without leases.
func (at kinesisSite) openKinesis(ctx context.Context, c kinesis.Config) (*kinesis.Backend, error) {
	c.Endpoint, c.HTTP, c.Static = at.url, at.wire, true
	c.WriteShare = 1.5 // of each shard: what it takes is no matter here
	return kinesis.Open(ctx, c)
}

// A kinesisPutter is one way to produce.
type kinesisPutter struct {
	name, call string
	keys       int // distinct ones in rotation; 0: as many as records are under way, and more
	open       func(ctx context.Context, at kinesisSite) (publisher, error)
}

// putterOf is this library in a configuration.
func putterOf(name, call string, keys int, c kinesis.Config) kinesisPutter {
	return kinesisPutter{name: name, call: call, keys: keys, open: func(ctx context.Context, at kinesisSite) (publisher, error) {
		backend, err := at.openKinesis(ctx, c)
		if err != nil {
			return nil, err
		}
		sender, err := newSender(ctx, backend, at.load)
		if err != nil {
			return nil, errors.Join(err, backend.Close())
		}
		return &kinesisProducer{backend: backend, producer: sender, batched: call == callSend}, nil
	}}
}

// The calls that are measured.
const (
	callSendAsync = "Producer.SendAsync"
	callSend      = "Producer.Send of 100, 64 goroutines"
)

type kinesisProducer struct {
	backend  *kinesis.Backend
	producer *sender
	batched  bool
}

func (p *kinesisProducer) publish(ctx context.Context, deadline time.Time) (n int, err error) {
	return p.producer.publish(ctx, deadline, p.batched)
}

func (p *kinesisProducer) close(ctx context.Context) error {
	return errors.Join(p.producer.close(ctx), p.backend.Close())
}
