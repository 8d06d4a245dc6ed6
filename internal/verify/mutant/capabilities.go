package mutant

import (
	"context"
	"slices"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// caps is short for the table below.
type caps = stream.Capabilities

// capabilities are backends that do not know what they can do. Package streamtest must find them out.
func capabilities() []Mutant {
	says := func(support stream.Support) stream.Flag {
		return stream.Flag{Support: support, Source: stream.Declared, Reason: "the mutant says so"}
	}
	flag := func(name, by string, p memory.Profile, f func(*caps)) Mutant {
		return Mutant{Name: name, By: by, Profile: p, Suite: true, shim: shim{capabilities: f}}
	}
	native, none := says(stream.Native), says(stream.None)
	return []Mutant{
		flag("headers are overstated", "Capabilities.Headers", memory.Strict,
			func(c *caps) { c.Headers = native }),
		flag("tombstones are overstated", "Capabilities.Tombstones", memory.Strict,
			func(c *caps) { c.Tombstones = native }),
		flag("nil keys are overstated", "Capabilities.NilKeys", memory.Strict,
			func(c *caps) { c.NilKeys = native }),
		flag("binary keys are overstated", "Capabilities.BinaryKeys", memory.Strict,
			func(c *caps) { c.BinaryKeys = native }),
		flag("event time is overstated", "Capabilities.EventTime", memory.Strict,
			func(c *caps) { c.EventTime = native }),
		flag("transactions are overstated", "Capabilities.Transactions", memory.Strict,
			func(c *caps) { c.Transactions = native }),
		flag("headers are understated", "Capabilities.Headers", memory.Kafka,
			func(c *caps) { c.Headers = none }),
		flag("tombstones are understated", "Capabilities.Tombstones", memory.Kafka,
			func(c *caps) { c.Tombstones = none }),
		flag("transactions are understated", "Capabilities.Transactions", memory.Kafka,
			func(c *caps) { c.Transactions = none }),
		flag("the record limit is overstated by one", "EnsureRefuses", memory.Kinesis,
			func(c *caps) { c.MaxRecordBytes.Value++ }),
		flag("the record limit is understated by one", "Capabilities.MaxRecordBytes", memory.Kinesis,
			func(c *caps) { c.MaxRecordBytes.Value-- }),
		flag("the state limit is overstated by one", "Capabilities.MaxStateBytes", memory.Strict,
			func(c *caps) { c.MaxStateBytes.Value++ }),
		{Name: "fencing is overstated", By: "CheckpointFenced", Profile: memory.Strict, Suite: true,
			config: unfenced(memory.Strict), shim: shim{capabilities: func(c *caps) { c.Fencing = native }}},
		{Name: "key order is overstated", By: "KeyOrder", Profile: memory.Kafka, Suite: true, shim: shim{append: backwards}},
		{Name: "partition order is overstated", By: "FetchOrder", Profile: memory.Strict, Suite: true, shim: fetched(func(recs []stream.Record) int {
			if n := len(recs); n > 1 {
				recs[n-1], recs[n-2] = recs[n-2], recs[n-1]
			}
			return len(recs)
		})},
		{Name: "idempotence is overstated", By: "Capabilities.IdempotentProduce", Profile: memory.Kafka, Suite: true, shim: shim{append: each(
			func(s stream.Sink, ctx context.Context, rec *stream.Record, d done) {
				s.Append(ctx, one(rec), func(stream.Ack, error) {})
				s.Append(ctx, one(rec), d)
			})}},
	}
}

// backwards stores the records of a call from the last to the first.
func backwards(s stream.Sink, ctx context.Context, recs []*stream.Record, d done) {
	recs = slices.Clone(recs)
	slices.Reverse(recs)
	s.Append(ctx, recs, d)
}
