package lineage_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A hold is a lease that a member has.
type hold struct {
	m     *member
	row   lease.Row
	until time.Time
	p     *lineage.Progress

	iterator string
	at       int // the last record that was read
	queue    []int
	settled  int
	end      *api.Page
	ended    time.Time
	gone     time.Time
}

func (h *hold) Row() lease.Row { return h.row }

// Update writes with the fence; a write whose answer is lost is looked up and made again.
func (h *hold) Update(ctx context.Context, c lease.Change) (lease.Row, error) {
	c.Raise = true
	c.Owner = &h.m.name
	for {
		if !h.valid() {
			return lease.Row{}, stream.ErrLost
		}
		c.Counter = &h.row.Counter
		sent := time.Now()
		r, err := store{h.m}.Update(ctx, h.row.Key, c)
		switch {
		case err == nil:
			h.row, h.until = r, sent.Add(failover*8/10)
			return r, nil
		case errors.Is(err, stream.ErrUnknownOutcome):
			if r, has, err := (store{h.m}).Get(ctx, h.row.Key); err == nil && has && r.Owner == h.m.name {
				h.row = r
			}
		case errors.Is(err, lease.ErrConflict):
			h.until = time.Time{}
			return r, stream.ErrLost
		default:
			return r, err
		}
	}
}

func (h *hold) valid() bool { return time.Now().Before(h.until) }

// read goes on with a shard for a while, and reports whether the lease is still of use.
func (h *hold) read() bool {
	if !h.valid() {
		return false
	}
	if h.end == nil {
		h.fetch()
	}
	for n := h.m.dice.some(12); len(h.queue) > 0 && n > 0 && h.valid(); n-- {
		h.m.step(h.m.dice)
		if !h.valid() {
			return false
		}
		h.m.w.handle(h.m.name, h.row.Key, h.queue[0])
		h.settled, h.queue = h.queue[0], h.queue[1:]
		p, _ := shard.Position(strconv.Itoa(h.settled), 0)
		h.p.Settle(p)
	}
	c := lease.Change{Pos: h.p.Pos(), NotEnded: true} // an end whose answer was lost may have been written
	if h.settled > 0 && h.m.dice.chance(0.6) {
		text := strconv.Itoa(h.settled)
		c.Checkpoint = &text
	}
	leave := h.m.dice.risk(0.01)
	if leave {
		c.SetOwner = new(string)
	}
	if _, err := h.Update(h.m.ctx, c); errors.Is(err, stream.ErrLost) || leave || h.row.Ended() {
		return false
	}
	done, err := false, error(nil)
	switch {
	case len(h.queue) > 0:
	case h.end != nil:
		done, err = h.m.s.End(h.m.ctx, h, h.p, h.end.Children, h.ended)
	case !h.gone.IsZero():
		done, err = h.m.s.Gone(h.m.ctx, h, h.p, h.gone)
	}
	return !done && !errors.Is(err, stream.ErrLost)
}

func (h *hold) fetch() {
	m := h.m
	var err error
	if h.iterator == "" {
		from := m.s.From(h.row)
		if h.at > 0 {
			from = api.From{Kind: api.AfterSequence, Sequence: strconv.Itoa(h.at)}
		}
		h.iterator, err = m.Iterator(m.ctx, "s", h.row.Key, from)
	}
	var page api.Page
	if err == nil {
		page, err = m.Records(m.ctx, "s", h.iterator, 1+int(m.dice.some(8)))
	}
	if err != nil {
		if h.iterator = ""; api.CodeOf(err) == api.Missing && h.gone.IsZero() {
			h.gone = time.Now()
		}
		return
	}
	h.gone = time.Time{}
	checkpoint, _ := strconv.Atoi(h.row.Checkpoint)
	var last stream.Position
	var queue []int
	for _, r := range page.Records {
		n, _ := strconv.Atoi(r.Sequence)
		if h.at = n; n > checkpoint && m.s.Wanted(r) {
			queue = append(queue, n)
			last, _ = shard.Position(r.Sequence, 0)
		}
	}
	if loss, some := h.p.Read(page, last); some {
		m.w.report(loss)
		h.p.Accept(loss)
		h.p.Read(page, last)
	}
	h.queue = append(h.queue, queue...)
	if h.iterator = page.Next; page.End {
		h.end, h.ended = &page, time.Now()
	}
}
