package lease

import (
	"time"

	"github.com/streamport-go/streamport/stream"
)

// What a checkpoint is when it is no sequence number (KCL's sentinels).
const (
	AtOldest = "TRIM_HORIZON"
	AtLatest = "LATEST"       // written by KCL only
	AtTime   = "AT_TIMESTAMP" // written by KCL only
	AtEnd    = "SHARD_END"    // everything of the shard is settled
)

// A Row is the lease of one shard. What a store knows of an item beyond it, it leaves as it is.
type Row struct {
	Key        string // leaseKey: the shard's id
	Owner      string // leaseOwner; "": nobody (the attribute is absent)
	Counter    int64  // leaseCounter: raised by every renewal, take and checkpoint
	Switches   int64  // ownerSwitchesSinceCheckpoint
	Checkpoint string // a sentinel, or a sequence number in decimal
	Sub        int64  // checkpointSubSequenceNumber: the index inside the aggregate
	Parents    []string
	Children   []string // childShardIds: written with AtEnd
	First      string   // startingHashKey, decimal; "": not known
	Last       string   // endingHashKey
	HandOver   string   // checkpointOwner: the owner until it has handed over to Owner
	Pending    bool     // a prepared checkpoint of KCL is there

	Own Own // attributes that KCL neither reads nor removes
}

// Own are the private attributes of a row: facts of the group that Kinesis and KCL keep nowhere.
type Own struct {
	Start *int64 // xStartMs: the group's threshold, ms since 1970: nothing that arrived before is wanted; nil: the row is Java's
	Born  *int64 // xBornMs: when the row was made
	Pos   *int64 // xPosMs: all that arrived up to here is settled or unwanted
	Blind bool   // xBlind: the lineage is not known yet
	State []byte // xState: the handler's state (CheckpointState)
	Has   bool   // State is there, perhaps empty
}

// Position is the row's checkpoint as a position; zero if it is a sentinel.
func (r Row) Position() stream.Position { return position(r.Checkpoint, r.Sub) }

// Ended reports whether everything of the shard is settled.
func (r Row) Ended() bool { return r.Checkpoint == AtEnd }

// Numeric reports whether the checkpoint is a sequence number.
func (r Row) Numeric() bool { return !r.Position().IsZero() }

// Millis is t as private attributes keep it.
func Millis(t time.Time) *int64 {
	ms := t.UnixMilli()
	return &ms
}
