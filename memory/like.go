package memory

import (
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// mostLikeBytes is the largest record or state that the simulator takes.
const mostLikeBytes = 1 << 30

// like makes traits of a probed target's capabilities. The profile, or, where that is Strict, whether partitions split,
// says how the rest behaves: placement, positions, sizes. What the simulator cannot do is refused by name.
func like(p Profile, c stream.Capabilities) (traits, error) {
	if p == Strict {
		p = Kafka
		if has(c.Resharding) {
			p = Kinesis
		}
	}
	t := p.traits()
	if err := cannot(t, c); err != nil {
		return t, err
	}
	t.nilKeys, t.binaryKeys = has(c.NilKeys), has(c.BinaryKeys)
	t.headers, t.tombstones, t.eventTime = has(c.Headers), has(c.Tombstones), has(c.EventTime)
	t.tagged = c.Headers.Support == stream.Emulated && t.hashed
	t.keyOrder, t.idempotent = has(c.KeyOrder), has(c.IdempotentProduce)
	t.transacts, t.compacts = has(c.Transactions), has(c.Compaction)
	t.resharding = t.resharding && (has(c.Resharding) || !t.hashed)
	t.lagRecords, t.refuses = has(c.LagRecords), has(c.ThrottleReject)
	t.unfenced, t.ungrouped, t.untimed = !has(c.Fencing), !has(c.Groups), !has(c.SeekTime)
	adopt(&t.recordBytes, c.MaxRecordBytes)
	if c.MaxRecordBytes.Hard {
		t.mostBytes = t.recordBytes
	}
	adopt(&t.stateBytes, c.MaxStateBytes)
	adopt(&t.requestRecs, c.MaxRequestRecords)
	adopt(&t.requestSize, c.MaxRequestBytes)
	adopt(&t.writeRecs, c.PartitionWriteRecords)
	adopt(&t.writeBytes, c.PartitionWriteBytes)
	adopt(&t.readBytes, c.PartitionReadBytes)
	adopt(&t.readCalls, c.PartitionReadCalls)
	switch {
	case c.Retention.Unlimited:
		t.retention, t.longest = -1, 0
	case c.Retention.Current > 0:
		t.retention = c.Retention.Current
		t.shortest = min(t.shortest, t.retention)
	}
	if c.Retention.Max > 0 {
		t.longest = c.Retention.Max
	}
	return t, nil
}

// has reports whether a flag is claimed.
func has(f stream.Flag) bool { return f.Support >= stream.Emulated }

// adopt takes a limit over, if it is known.
func adopt(to *int64, l stream.Limit) {
	if l.Value != 0 || l.Source != "" {
		*to = l.Value
	}
}

// cannot names every field that claims more than the simulator can do.
func cannot(t traits, c stream.Capabilities) error {
	var errs []error
	refuse := func(field, why string) {
		errs = append(errs, fmt.Errorf("%w: Like.%s: %s", stream.ErrUnsupported, field, why))
	}
	if t.hashed && has(c.Transactions) {
		refuse("Transactions", "the simulator has none where partitions split")
	}
	if t.hashed && has(c.Compaction) {
		refuse("Compaction", "the simulator has none where partitions split")
	}
	if !t.hashed && has(c.Resharding) {
		refuse("Resharding", "the profile kafka only adds partitions; set Profile to kinesis")
	}
	if c.MaxRecordBytes.Value > mostLikeBytes {
		refuse("MaxRecordBytes", fmt.Sprintf("the simulator takes %d at most", mostLikeBytes))
	}
	if c.MaxStateBytes.Value > mostLikeBytes {
		refuse("MaxStateBytes", fmt.Sprintf("the simulator takes %d at most", mostLikeBytes))
	}
	if c.Partitions > maxPartitions {
		refuse("Partitions", fmt.Sprintf("the simulator has %d at most", maxPartitions))
	}
	return errors.Join(errs...)
}

// liken answers with the probed target's capabilities, and what this stream changes of them. Durability, PushDelivery
// and AutoScaling are the target's word: the simulator forgets, polls and stays, and a test that asserts them here
// proves nothing.
func (t *topic) liken(own stream.Capabilities) stream.Capabilities {
	c := *t.b.config.Like
	c.Partitions, c.Retention = own.Partitions, own.Retention
	c.MaxRecordBytes.Value, c.Compaction = own.MaxRecordBytes.Value, own.Compaction
	if t.auto.Load() {
		c.KeyOrder = own.KeyOrder
	}
	return c
}
