package item

// Attributes of KCL (its DynamoDBLeaseSerializer). All but those of "required" may be absent.
const (
	Key         = "leaseKey"                     // S, required: the table's key
	counter     = "leaseCounter"                 // N, required
	switches    = "ownerSwitchesSinceCheckpoint" // N, required
	checkpoint  = "checkpoint"                   // S, required
	sub         = "checkpointSubSequenceNumber"  // N, required
	owner       = "leaseOwner"                   // S
	handOver    = "checkpointOwner"              // S
	parents     = "parentShardId"                // SS
	children    = "childShardIds"                // SS
	first       = "startingHashKey"              // S, decimal
	last        = "endingHashKey"                // S, decimal
	pending     = "pendingCheckpoint"            // S
	pendingSub  = "pendingCheckpointSubSequenceNumber"
	pendingBlob = "pendingCheckpointState"
	entityType  = "entityType" // S: entityLease, or what the item is instead; absent from items of older versions
)

// Private attributes. KCL neither reads nor removes them.
const (
	start  = "xStartMs" // N
	born   = "xBornMs"  // N
	pos    = "xPosMs"   // N
	blind  = "xBlind"   // BOOL or N: that it is there says it
	states = "xState"   // B; NULL: there, and empty
)

// entityLease is the entityType of a lease.
const entityLease = "LEASE"

// MaxState is the longest state of a handler, in bytes. An item may have 400 KB, and every read and scan carries it: this
// leaves room for everything else, and for many leases in a page.
const MaxState = 64 << 10

// longestKey is the most bytes of the table's key (DynamoDB's developer guide, quotas).
const longestKey = 2048
