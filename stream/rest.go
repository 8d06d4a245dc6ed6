package stream

import (
	"context"
	"time"
)

// restAfter is how long nothing must come before a loop lets go of its block. A block of records, and the bytes that they
// point at, may be some hundred KiB, and a member may hold thousands of partitions of which most are idle.
const restAfter = 500 * time.Millisecond

// rest ends fetches that have waited for so long. It makes contexts of package context, since backends derive theirs from
// them, and a new one only after one has ended.
type rest struct {
	ctx    context.Context
	cancel context.CancelFunc
	timer  *time.Timer
}

// over gives a context that ends with its parent, or when restAfter has passed.
func (r *rest) over(parent context.Context) context.Context {
	if r.ctx != nil && r.ctx.Err() == nil {
		r.timer.Reset(restAfter)
		return r.ctx
	}
	r.end()
	r.ctx, r.cancel = context.WithCancel(parent)
	r.timer = time.AfterFunc(restAfter, r.cancel)
	return r.ctx
}

// end frees what the context holds.
func (r *rest) end() {
	if r.ctx != nil {
		r.timer.Stop()
		r.cancel()
		r.ctx = nil
	}
}
