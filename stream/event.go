package stream

import "time"

// An Event is something that happened to a partition, a record or a batch, told to ProducerConfig.Observe or
// ConsumerConfig.Observe. It holds no key, value or header. Fields that a kind does not name are zero.
//
// Lifecycle events also go to the Logger; the measurements (EventDelivered, EventCheckpointed, EventProduced) come once a
// batch or a save, never once a record, and go to Observe only.
type Event struct {
	Kind              string // one of the constants EventGranted and on
	Group, Member     string
	Stream, Partition string
	Position          Position      // of the record, checkpoint or gap concerned
	Oldest            Position      // EventGap: where reading goes on
	Records           int           // of the batch
	Bytes             int64         // keys, values and headers of the batch
	Attempt           int           // EventRetried and what ends a record: how many tries there were
	Duration          time.Duration // EventCheckpointed, EventProduced, EventThrottled: how long it took; EventRetried: how long to wait
	Err               error         // the cause, if there is one
}
