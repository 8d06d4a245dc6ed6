package engine

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A TxClaim is a claim whose checkpoint can be a part of a transaction.
type TxClaim interface {
	stream.Claim
	// Of reports whether the claim was granted through this client.
	Of(c Client) bool
	// Guarded runs f while the claim is held: a revocation waits for f, whose context ends when the claim is lost all the
	// same. It is stream.ErrLost, and f does not run, when the claim is no longer held.
	Guarded(ctx context.Context, f func(ctx context.Context, m Membership) error) error
}

// Encode is a checkpoint as the group's coordinator stores it.
func Encode(c stream.Checkpoint) Committed {
	return Committed{Offset: After(c.Position), Metadata: encodeState(c.State)}
}
