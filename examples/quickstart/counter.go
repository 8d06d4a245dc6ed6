package main

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A counter is the state of a handler in one hold.
type counter struct {
	member    *member
	partition *stream.Partition
	counts    tally
	unsaved   stream.Record // the last that was handled and is not saved; its Position is zero if there is none
	trail     trail
}

// saveEvery is how many records of a partition are handled from one checkpoint to the next. Until the last record is
// sent, checkpoints are made by count alone, so that what comes again after the crash is the same at every run.
const saveEvery = 50

// silence is how long a partition is without a record before what is left is saved too.
const silence = 50 * time.Millisecond

// newCounter begins where the partition's last holder has saved.
func newCounter(m *member, p *stream.Partition) (*counter, error) {
	counts, err := restoreTally(p)
	return &counter{member: m, partition: p, counts: counts, trail: trail{}}, err
}

// count handles one record. That it is entered comes last: the crash may follow at once.
func (c *counter) count(ctx context.Context, rec stream.Record) error {
	q, err := parseQuake(rec.Value)
	if err != nil {
		return err
	}
	c.counts.count(q)
	c.unsaved = rec
	if c.counts.all().Count%saveEvery == 0 {
		if err := c.save(ctx); err != nil {
			return err
		}
	}
	return c.member.shared.enter(c, q, &rec)
}

// save saves counts and position in one write, if there is something to save.
func (c *counter) save(ctx context.Context) error {
	if c.unsaved.Position.IsZero() || c.member.crashed.Load() {
		return nil
	}
	state, err := c.counts.encode()
	if err != nil {
		return err
	}
	if err := c.partition.CheckpointState(ctx, &c.unsaved, state); err != nil {
		return err
	}
	c.unsaved = stream.Record{}
	c.member.shared.ledger.keep(c.partition.Name, c.counts)
	return nil
}

// end saves what is left when the hold is over.
func (c *counter) end(ctx context.Context) error {
	if err := c.save(ctx); err != nil {
		return err
	}
	if c.partition.Ended() { // the partitions that replace it go on with its counts
		c.member.shared.ledger.drop(c.partition.Name)
	}
	return nil
}
