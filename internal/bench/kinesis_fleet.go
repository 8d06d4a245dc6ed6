package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

const (
	fleetShards = 16
	fleetGroup  = "bench"
	fleetTable  = fleetGroup + "-" + streamName // kinesis.Config.LeaseTable's default
	fleetPoll   = 10 * time.Millisecond         // how often the lease table is looked at
	fleetLimit  = 10 * time.Minute              // of virtual time
	failoverOf  = 10 * time.Second              // KCL's default failoverTimeMillis
)

// A fleet is processes that share a lease table: each has a backend and a road of its own.
type fleet struct {
	world   *kinesisWorld
	members []*fleetMember
}

type fleetMember struct {
	name string
	road *road
	stop context.CancelFunc
	done chan error
}

func newFleet(o bubbleOptions, shards int) (*fleet, error) {
	w, err := newKinesisWorld(o, shards, 5*time.Millisecond, 15*time.Millisecond)
	return &fleet{world: w}, err
}

// join starts one member more.
func (f *fleet) join(ctx context.Context) (*fleetMember, error) {
	m := &fleetMember{
		name: fmt.Sprintf("member-%d", len(f.members)), road: &road{world: f.world}, done: make(chan error, 1),
	}
	backend, err := f.world.open(ctx, m.road, kinesis.Config{CreateTable: true, Failover: failoverOf})
	if err != nil {
		return nil, err
	}
	consumer, err := stream.NewConsumer(ctx, backend, stream.ConsumerConfig{
		Group: fleetGroup, Member: m.name, Streams: []string{streamName}, Grace: time.Second,
	})
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	ctx, m.stop = context.WithCancel(ctx)
	go func() {
		err := consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error { return skipRecords(ctx, p, 0) })
		m.done <- errors.Join(err, backend.Close())
	}()
	f.members = append(f.members, m)
	return m, nil
}

// kill ends a member's way to the services at once. It stays a goroutine of this process until the end.
func (m *fleetMember) kill() { m.road.ended.Store(true) }

// end ends all members. What those say that were killed is no matter.
func (f *fleet) end() error {
	var errs []error
	for _, m := range f.members {
		m.stop()
		if err := <-m.done; err != nil && !m.road.ended.Load() {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// owners counts the leases of each member, as they stand in the table.
func (f *fleet) owners() map[string]int {
	owners := map[string]int{}
	for _, item := range f.world.tables.Items(fleetTable) {
		if owner := item["leaseOwner"].Text(); owner != "" {
			owners[owner]++
		}
	}
	return owners
}

// isEven reports whether the leases are owned, by the living, even to one.
func (f *fleet) isEven() bool {
	owners, alive := f.owners(), 0
	for _, m := range f.members {
		if !m.road.ended.Load() {
			alive++
		}
	}
	sum := 0
	for _, m := range f.members {
		n := owners[m.name]
		if m.road.ended.Load() {
			if n > 0 {
				return false
			}
			continue
		}
		if n < fleetShards/alive || n > (fleetShards+alive-1)/alive {
			return false
		}
		sum += n
	}
	return sum == fleetShards
}

// until waits for what is to become true, and tells how long it took.
func until(so func() bool) (time.Duration, error) {
	began := time.Now()
	for !so() {
		if time.Since(began) > fleetLimit {
			return 0, fmt.Errorf("the leases have not settled within %v", fleetLimit)
		}
		time.Sleep(fleetPoll)
	}
	return time.Since(began), nil
}
