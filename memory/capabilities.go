package memory

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// Capabilities tells what the stream can do as it is configured now.
func (b *Backend) Capabilities(ctx context.Context, name string) (stream.Capabilities, error) {
	var c stream.Capabilities
	err := b.call(ctx, OpCapabilities, Where{Stream: name}, 0, func() error {
		if err := b.live(); err != nil {
			return err
		}
		t, err := b.topic(name)
		if err != nil {
			return err
		}
		c = t.capabilities()
		return nil
	})
	if err != nil {
		return stream.Capabilities{}, fault("capabilities", name, "", err)
	}
	return c, nil
}

// capabilities fills in every field.
func (t *topic) capabilities() stream.Capabilities {
	c := stream.Capabilities{Partitions: len(t.routes.Load().open)}
	t.contents(&c)
	t.guarantees(&c)
	t.operations(&c)
	t.limits(&c)
	c.Retention = t.retentionCapability()
	if t.b.config.Like != nil {
		c = t.liken(c)
	}
	return c
}

func yes(why string) stream.Flag { return declared(stream.Native, why) }
func no(why string) stream.Flag  { return declared(stream.None, why) }

func declared(s stream.Support, why string) stream.Flag {
	return stream.Flag{Support: s, Source: stream.Declared, Reason: why}
}

// either is Native or None.
func either(is bool, why, whyNot string) stream.Flag {
	if is {
		return yes(why)
	}
	return no(whyNot)
}

// carried is Emulated by tags, Native or None.
func (t *topic) carried(is bool, why, whyNot string) stream.Flag {
	if is && t.traits.tagged {
		return declared(stream.Emulated, why+", in tags of an aggregate, which only readers that de-aggregate understand")
	}
	return either(is, why, whyNot)
}

// contents says what a record may hold.
func (t *topic) contents(c *stream.Capabilities) {
	const tags = "; the profile kinesis can carry it in tags (Config.Tags)"
	r := t.traits
	c.NilKeys = t.carried(r.nilKeys, "records without key are taken", "every record needs a key"+tags)
	c.BinaryKeys = t.carried(r.binaryKeys, "any bytes are a key", "a key is 1 to 256 characters of UTF-8"+tags)
	c.Headers = t.carried(r.headers, "headers are stored", "the service has no headers; put them into the value"+tags)
	c.Tombstones = t.carried(r.tombstones, "nil values are stored",
		"the service has no nil values; mark deletions in the value"+tags)
	c.EventTime = t.carried(r.eventTime, "a record's own time is stored, in milliseconds",
		"the time of arrival is stored; put the event's time into the value"+tags)
}

// guarantees says what producers and consumers can rely on.
func (t *topic) guarantees(c *stream.Capabilities) {
	r := t.traits
	c.PartitionOrder = yes("readers get records in the order in which they are stored")
	c.KeyOrder = t.keyOrder()
	c.Groups = t.groups()
	c.Fencing = t.fencing()
	c.IdempotentProduce = either(r.idempotent, "a retry is recognised",
		"a retry after a lost answer stores the record twice; make handlers idempotent")
	c.Transactions = either(r.transacts, "records and a checkpoint become visible together",
		"there are no transactions; use a Checkpointer in your own database for exactly-once effects")
	c.Durability = no("everything is gone when the backend is closed or its process ends")
}

// operations says what can be done with the stream.
func (t *topic) operations(c *stream.Capabilities) {
	r := t.traits
	c.SeekTime = yes("reading can start at a time")
	c.Compaction = t.compaction()
	c.Resharding = either(r.resharding && r.hashed, "partitions split and merge; children are read after their parents",
		"partitions are only added, and keys then move")
	c.AutoScaling = no("the simulator changes partitions only when it is told: Split, Merge, Grow")
	c.PushDelivery = no("readers poll")
	c.LagRecords = either(r.lagRecords, "records behind are counted",
		"the service tells how old the oldest record behind is, not how many there are")
	c.LagTime = yes("by the time of the first record behind")
	c.ThrottleDelay = no("no answer comes late because of a quota")
	c.ThrottleReject = either(r.refuses, "records over a partition's rate are refused one by one, and retried by the sink",
		"nothing is refused for its rate")
}

func (t *topic) fencing() stream.Flag {
	if t.traits.guarded {
		return declared(stream.Emulated, "a late checkpoint is refused by the library; the service looks at the member only")
	}
	return yes("a checkpoint is written only while the partition is held, in one step")
}

func (t *topic) keyOrder() stream.Flag {
	switch {
	case t.auto.Load():
		return no("the stream spreads records by itself (record distribution AUTO) and ignores keys; switch it back")
	case !t.traits.keyOrder:
		return no("the service that this simulates does not keep the order of keys")
	case t.traits.hashed:
		return declared(stream.Emulated,
			"the sink has one unanswered record of each key at a time; children are read after their parents")
	}
	return yes("equal keys go to one partition as long as the number of partitions stays; growing it moves keys")
}

func (t *topic) groups() stream.Flag {
	if t.traits.hashed {
		return declared(stream.Emulated, "members share partitions by leases")
	}
	return yes("members share partitions")
}

func (t *topic) compaction() stream.Flag {
	switch {
	case t.compacted:
		return yes("the stream keeps the last record of each key")
	case t.traits.compacts:
		return no("the stream deletes by age; make it with StreamConfig.Compacted")
	}
	return no("the service deletes by age only; keep the last value of each key in a database")
}

func (t *topic) limits(c *stream.Capabilities) {
	r := t.traits
	limit := func(value int64, hard bool, why string) stream.Limit {
		return stream.Limit{Value: value, Hard: hard, Source: stream.Declared, Reason: why}
	}
	rate := func(value int64, why string) stream.Limit {
		switch {
		case value == 0:
			return limit(0, false, "there is no limit")
		case r.refuses:
			return limit(value, true, why)
		}
		return limit(value, true, why+"; declared for requirements, and not enforced here")
	}
	size := "key and value count"
	if r.batchSizes {
		size = "counted as a Kafka batch that holds the record alone"
	}
	hard := t.maxRecord >= r.mostBytes
	if !hard {
		size += "; StreamConfig.MaxRecordBytes raises it"
	}
	c.MaxRecordBytes = limit(t.maxRecord, hard, size)
	c.MaxStateBytes = limit(r.stateBytes, true, "the state is stored beside the position")
	c.MaxRequestRecords = rate(r.requestRecs, "of one request; the sink splits")
	c.MaxRequestBytes = rate(r.requestSize, "of one request; the sink splits")
	c.PartitionWriteRecords = rate(r.writeRecs, "records a second and partition")
	c.PartitionWriteBytes = rate(r.writeBytes, "bytes a second and partition")
	c.PartitionReadBytes = rate(r.readBytes, "bytes a second and partition, all readers together")
	c.PartitionReadCalls = rate(r.readCalls, "calls a second and partition, all readers together")
}

func (t *topic) retentionCapability() stream.Retention {
	keep := stream.Retention{Source: stream.Declared, Max: t.traits.longest, Reason: "records are deleted by age"}
	if !t.trims {
		return stream.Retention{Unlimited: true, Source: stream.Declared, Reason: "records are kept whatever their age"}
	}
	keep.Current, keep.Bytes = t.retention(), t.b.config.PartitionBytes
	return keep
}
