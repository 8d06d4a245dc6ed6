package stream

// A Lag is how far a group is behind in one partition.
type Lag struct {
	Stream, Partition string
	Checkpoint        Position // up to which the group is done; zero: it has saved nothing
	Records           Count    // how many records are behind the checkpoint's back: stored, readable and not done
	Millis            Count    // how old the oldest of them is, in milliseconds; 0 when there is none
}

// A Count is a number that a backend may not know. Not known is not 0.
type Count struct {
	N     int64
	Known bool
}
