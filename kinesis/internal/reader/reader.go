package reader

import (
	"context"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// A Reader reads one shard in order, from where it was opened. It overcomes what passes by itself, within its bounds:
// throttling, expired iterators, broken connections, five-minute subscriptions.
//
// Next is called from one goroutine at a time; Close may be called beside it, and ends it.
type Reader interface {
	// Next waits for a page. A page may be without records: it then tells how far behind the tip reading is. Records that a
	// former page had are never repeated. After a page with End, Next returns io.EOF. The end of ctx consumes nothing.
	//
	// An error that Is stream.ErrNotFound says that the shard, or the stream, is gone; api.CodeOf tells more. After an error
	// that did not pass, Next may be called again, and goes on where it was.
	Next(ctx context.Context) (api.Page, error)
	Close() error
}
