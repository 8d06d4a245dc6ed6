package engine

import "context"

// A Member is in a group and reads nothing. It heartbeats for as long as it is open, whatever handlers do.
type Member interface {
	// Membership is as it stands now; Generation is negative when the member is not in the group.
	Membership() Membership
	// Close leaves the group, unless the member is static, after Listener.Revoked was called for what it still has, and
	// waits for the member's goroutines until ctx ends.
	Close(ctx context.Context) error
	// Kill ends the member without a word to the group, as kill -9 does.
	Kill()
}

// MemberConfig says which group to join, for what.
type MemberConfig struct {
	Group, Member string
	Topics        []string // a name that begins with ^ is a regular expression
}

// Membership identifies a member towards the group's coordinator. Generation is the member epoch under KIP-848.
type Membership struct {
	Group, Member, Instance string
	Generation              int32
	ServerAssigned          bool // KIP-848
}

// A Doubter is a Member that can ask its group at once whether it is still in it. Until its next heartbeat it would take
// partitions for its own that others may have by now, and be granted them again. Doubt does not wait.
type Doubter interface{ Doubt() }

// A Listener hears what a group does to its member. Its methods are called one at a time, and the group waits for them.
type Listener interface {
	// Assigned: the partitions are the member's from now on.
	Assigned(ps []Partition)
	// Revoked: the partitions are asked back. When it returns they are given away, and nothing writes for them any more.
	Revoked(ps []Partition)
	// Lost: the partitions are gone already.
	Lost(ps []Partition)
	// Failed: the member cannot go on, for good. Map has been applied to err.
	Failed(err error)
}
