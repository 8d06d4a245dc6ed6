package engine

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// A TxClaim is a claim whose checkpoint can be a part of a transaction: what a SinkTx needs of a *Claim.
type TxClaim interface {
	stream.Claim
	// Of reports whether the claim was granted through this client.
	Of(c Client) bool
	// Guarded runs write while the claim is held: giving the partition away waits for it, and its context ends when the
	// claim is lost or released all the same. It is stream.ErrLost, and write does not run, when the claim is no longer
	// held.
	Guarded(ctx context.Context, write func(ctx context.Context, m Membership) error) error
	// Committed is a checkpoint as the group stores it.
	Committed(to stream.Checkpoint) (Committed, error)
	// IsSaved reports whether the checkpoint saved last is at the same offset.
	IsSaved(at Committed) bool
	// Saved notes that a checkpoint is stored.
	Saved(to Committed)
}

var _ TxClaim = (*Claim)(nil)

// IsSaved reports whether the checkpoint saved last is at the same offset: then the group's offset does not tell whether
// another write at it was done.
func (c *Claim) IsSaved(at Committed) bool { return c.saved.Load() == at.Offset.At }
