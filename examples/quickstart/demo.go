package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// partitions is how many the stream has, and steady and doomed are the members that share them.
const (
	partitions = 4
	steady     = "steady"
	doomed     = "doomed"
)

// lagEvery is how often the program asks whether everything is done.
const lagEvery = 20 * time.Millisecond

// A demo is one run of the story.
type demo struct {
	backend stream.Backend
	options options
	store   store
	shared  *shared
	fail    context.CancelCauseFunc // ends the demo
}

// play tells the story and reports it. Nothing that it has started runs when it returns.
func play(ctx context.Context, b stream.Backend, o options, events []quake, shown *progress) (r report, err error) {
	have, err := openStream(ctx, b, o.stream)
	if err != nil {
		return r, err
	}
	kept, err := openStore(have, o.state)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d := &demo{
		backend: b, options: o, store: kept, fail: fail,
		shared: &shared{ledger: newLedger(events), roster: newRoster(), progress: shown},
	}
	if err := d.run(ctx, events); err != nil {
		return r, err
	}
	return report{
		counts: d.shared.ledger.counts(), account: d.shared.ledger.account(),
		holds: d.shared.roster.history(), capabilities: have,
	}, nil
}

// openStream makes sure that there is the stream, and tells what it can do. Where the backend cannot make streams,
// somebody must have made it before.
func openStream(ctx context.Context, b stream.Backend, name string) (stream.Capabilities, error) {
	ensured := stream.EnsureStream(ctx, b, stream.StreamConfig{Name: name, Partitions: partitions})
	if ensured != nil && !errors.Is(ensured, stream.ErrUnsupported) {
		return stream.Capabilities{}, ensured
	}
	have, err := b.Capabilities(ctx, name)
	if err == nil && have.Partitions != partitions {
		err = fmt.Errorf("stream %s has %d partitions, not %d", name, have.Partitions, partitions)
	}
	if err != nil {
		err = errors.Join(ensured, err)
	}
	return have, err
}

// run is the story.
func (d *demo) run(ctx context.Context, events []quake) error {
	if err := d.checkFresh(ctx); err != nil {
		return err
	}
	producer, err := stream.NewProducer(ctx, d.backend, stream.ProducerConfig{
		Streams: []string{d.options.stream}, Require: stream.Requirements{KeyOrder: stream.Emulated},
	})
	if err != nil {
		return err
	}
	first, second, err := d.join(ctx)
	if err == nil {
		err = d.live(ctx, events, producer, first, second)
	}
	for _, m := range []*member{second, first} {
		if m != nil {
			m.stop()
		}
	}
	if err == nil {
		err = context.Cause(ctx) // a member may have failed at the very end
	}
	return errors.Join(err, producer.Close(context.WithoutCancel(ctx)))
}

// checkFresh refuses a group that has read the stream before, and a stream that has older records: they would be
// counted.
func (d *demo) checkFresh(ctx context.Context) error {
	c, err := stream.NewConsumer(ctx, d.backend, d.config(steady))
	if err != nil {
		return err
	}
	lags, err := c.Lag(ctx)
	if err != nil {
		return err
	}
	for _, l := range lags {
		if !l.Checkpoint.IsZero() || l.Records.N > 0 || l.Millis.N > 0 {
			return fmt.Errorf("stream %s has records already, or group %s has read it: "+
				"name another -stream, or another -group and -state", d.options.stream, d.options.group)
		}
	}
	return nil
}

// join makes the group: one member first, and the other when that one holds all partitions, so that who holds what in
// the end does not depend on who is faster.
func (d *demo) join(ctx context.Context) (first, second *member, err error) {
	d.shared.progress.say("the group gathers")
	if first, err = joinMember(ctx, d.backend, d.config(steady), d.shared, d.fail); err != nil {
		return nil, nil, err
	}
	if err := d.await(ctx, func(r *roster) bool { return r.held(steady) >= partitions }); err != nil {
		return first, nil, err
	}
	if second, err = joinMember(ctx, d.backend, d.config(doomed), d.shared, d.fail); err != nil {
		return first, nil, err
	}
	return first, second, d.await(ctx, func(r *roster) bool {
		return r.held(doomed) > 0 && r.held(steady) > 0 && r.held(doomed)+r.held(steady) >= partitions
	})
}

// live sends one half of the events, lets the second member crash when they are handled, and sends the other half
// when the first member has taken over.
func (d *demo) live(ctx context.Context, events []quake, p stream.Producer, first, second *member) error {
	s, half := d.shared, len(events)/2
	s.progress.say("half of the events")
	if err := d.send(ctx, p, events, 0, half); err != nil {
		return err
	}
	if err := s.ledger.await(ctx, func() bool { return s.ledger.through(half) }); err != nil {
		return err
	}
	s.progress.say("a member has crashed")
	if err := second.crash(d.backend, d.options.group); err != nil {
		return err
	}
	if err := d.await(ctx, func(r *roster) bool { return r.held(steady) >= partitions }); err != nil {
		return err
	}
	s.progress.say("the other half")
	if err := d.send(ctx, p, events, half, len(events)); err != nil {
		return err
	}
	s.sent.Store(true)
	return awaitNoLag(ctx, first.consumer)
}

// send returns when the events from one place up to another are stored.
func (d *demo) send(ctx context.Context, p stream.Producer, events []quake, from, to int) error {
	l := d.shared.ledger
	for place := from; place < to; place++ {
		p.SendAsync(ctx, events[place].record(d.options.stream), func(a stream.Ack, err error) { l.store(place, a, err) })
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return l.failed()
}

// await waits until the partitions are held as wanted.
func (d *demo) await(ctx context.Context, wanted func(*roster) bool) error {
	return d.shared.roster.await(ctx, func() bool { return wanted(d.shared.roster) })
}

// awaitNoLag waits until every partition is done to its end.
func awaitNoLag(ctx context.Context, c stream.Consumer) error {
	ticker := time.NewTicker(lagEvery)
	defer ticker.Stop()
	for {
		lags, err := c.Lag(ctx)
		if err != nil {
			return err
		}
		behind := false
		for _, l := range lags {
			if !l.Records.Known && !l.Millis.Known {
				return fmt.Errorf("%w: the backend does not know the lag of partition %s", stream.ErrUnsupported, l.Partition)
			}
			behind = behind || l.Records.N > 0 || l.Millis.N > 0
		}
		if !behind {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// config is a member's configuration.
func (d *demo) config(member string) stream.ConsumerConfig {
	return stream.ConsumerConfig{
		Group: d.options.group, Member: member, Streams: []string{d.options.stream}, Checkpointer: d.store.checkpointer,
		Require: stream.Requirements{PartitionOrder: stream.Emulated, Groups: stream.Emulated},
	}
}
