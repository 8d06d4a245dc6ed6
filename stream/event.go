package stream

import "time"

// An Event is something that happened to a partition, a record or a batch, told to ProducerConfig.Observe or
// ConsumerConfig.Observe. It holds no key, value or header. Fields that a kind does not name are zero.
//
// Lifecycle events also go to the Logger; the measurements (EventDelivered, EventCheckpointed, EventProduced) come once a
// batch or a save, never once a record, and go to Observe only.
type Event struct {
	Kind              EventKind
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

// An EventKind says what happened.
type EventKind uint8

// What can happen. The comment names the fields that are set beside the place.
const (
	EventGranted           EventKind = iota + 1 // a hold begins; Position: after which it reads
	EventAsked                                  // the partition should be given back
	EventLost                                   // the partition is no longer ours; Err
	EventReleased                               // the hold is over and the partition given back; Position: the checkpoint
	EventEnded                                  // the partition is complete, or the reading's end was reached
	EventRegrant                                // lost in words only: it is granted again after Duration; Attempt, Err
	EventGap                                    // records are gone that were never read; Position, Oldest, Err
	EventStalled                                // Done's prefix has stood still; Position: the prefix, Records: how many wait behind it, Duration
	EventRetried                                // a record failed and is tried again; Position, Attempt, Duration, Err
	EventParked                                 // a key is set aside; Position, Attempt, Err
	EventDeadLettered                           // a record went to the dead-letter stream; Position, Attempt, Err
	EventSkipped                                // a record was given up; Position, Attempt, Err
	EventThrottled                              // the service slows us down; Duration, Err
	EventCapabilityChanged                      // a probe while running found something else than at open; Err tells what
	EventDelivered                              // a batch came to the handler; Records, Bytes, Position: of its last
	EventCheckpointed                           // a checkpoint was saved, or not; Position, Duration, Err
	EventProduced                               // a batch was stored, or not; Records, Bytes, Duration, Err
)

// String returns the kind in words.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown event"
}

var eventNames = [...]string{
	0:                      "unknown event",
	EventGranted:           "partition granted",
	EventAsked:             "partition asked back",
	EventLost:              "partition lost",
	EventReleased:          "partition released",
	EventEnded:             "partition ended",
	EventRegrant:           "partition will be granted again",
	EventGap:               "records expired unread",
	EventStalled:           "checkpoint stands still",
	EventRetried:           "record retried",
	EventParked:            "key parked",
	EventDeadLettered:      "record dead-lettered",
	EventSkipped:           "record skipped",
	EventThrottled:         "throttled",
	EventCapabilityChanged: "capability changed",
	EventDelivered:         "batch delivered",
	EventCheckpointed:      "checkpoint saved",
	EventProduced:          "batch produced",
}
