package stream

// The values of the fields that say what kind a thing is. They are plain strings, so that they can stand in files, logs
// and metrics as they are.
const (
	// Flag.Source, Limit.Source and Retention.Source; "" is not known.
	Declared   = "declared"   // by configuration, or it is always so
	Discovered = "discovered" // asked of the service
	Assumed    = "assumed"    // documented by the service, but not asked

	// The kinds of Start, as Start.Parts gives them.
	StartOldest = "oldest" // the zero Start
	StartLatest = "latest"
	StartSince  = "since"
	StartAfter  = "after"

	// ConsumerConfig.Expired: what happens to a partition of which retention has passed the checkpoint.
	ExpiredFail   = "fail"   // the default: the loop yields ErrExpired
	ExpiredOldest = "oldest" // go on at the oldest record that is left, with EventGap
	ExpiredLatest = "latest" // go on at the end, with EventGap

	// Event.Kind, lifecycle. The comment names the fields that are set beside the place.
	EventGranted           = "partition granted"               // a hold begins; Position: after which it reads
	EventAsked             = "partition asked back"            // the partition should be given back
	EventLost              = "partition lost"                  // the partition is no longer ours; Err
	EventReleased          = "partition released"              // the hold is over; Position: the checkpoint
	EventEnded             = "partition ended"                 // it is complete, or the reading's end was reached
	EventRegrant           = "partition will be granted again" // lost in words only: it comes again after Duration; Err
	EventGap               = "records expired unread"          // Position: after which they were; Oldest; Err
	EventStalled           = "checkpoint stands still"         // Position; Records: how many are done behind it; Duration
	EventRetried           = "record retried"                  // a record failed, the next try is after Duration; Position, Attempt, Err
	EventParked            = "key parked"                      // a key is set aside; Position, Attempt, Err
	EventDeadLettered      = "record dead-lettered"            // the dead letter is stored; Position, Attempt, Err
	EventSkipped           = "record skipped"                  // a record was given up; Position, Attempt, Err
	EventThrottled         = "throttled"                       // the service slows us down; Duration, Err
	EventCapabilityChanged = "capability changed"              // a probe found something else than before; Err tells what

	// Event.Kind, measurements.
	EventDelivered    = "batch delivered"  // a batch came to the handler; Records, Bytes, Position: of its last
	EventCheckpointed = "checkpoint saved" // or not; Position, Duration, Err
	EventProduced     = "batch produced"   // or not; Records, Bytes, Duration, Err
)
