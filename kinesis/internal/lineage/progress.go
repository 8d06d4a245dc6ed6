package lineage

import (
	"context"
	"sync"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A Progress knows up to when everything of a shard is settled, during one hold. Read and Accept are called by who reads,
// Settle and Pos by who settles; all may be called from many goroutines.
type Progress struct {
	s   *Syncer
	row lease.Row

	mu      sync.Mutex      // guards what follows
	begun   bool            // a page was read
	seen    int64           // all that arrived up to here was read, unwanted or told as lost
	pos     int64           // all that arrived up to here is settled, unwanted or told as lost
	last    stream.Position // the last record that was read
	settled stream.Position
	marks   []mark // not settled yet, in order
}

// A mark is what pos becomes when the record at after is settled.
type mark struct {
	after stream.Position
	pos   int64
}

// mostMarks bounds what a Progress remembers; more are thinned out, which makes pos lag behind and is otherwise harmless.
const mostMarks = 512

// Follow begins a hold's Progress; r is the row as it was taken, and its gate is open.
func (s *Syncer) Follow(ctx context.Context, r lease.Row) (*Progress, error) {
	pos, err := s.reached(ctx, r)
	if err != nil {
		return nil, err
	}
	return &Progress{s: s, row: r, seen: pos, pos: pos, settled: r.Position(), last: r.Position()}, nil
}

// reached is up to when everything of r is settled. A shard that was not begun knows it from its parents, who went on after
// its row was made.
func (s *Syncer) reached(ctx context.Context, r lease.Row) (int64, error) {
	v := s.last()
	pos := v.floor()
	if r.Own.Pos != nil {
		pos = *r.Own.Pos
	}
	if r.Numeric() || len(r.Parents) == 0 {
		return pos, nil
	}
	var least *int64
	for _, id := range r.Parents {
		up, has, err := s.c.Store.Get(ctx, id)
		if err != nil {
			return 0, err
		}
		if !has || up.Own.Pos == nil {
			return pos, nil
		}
		if least == nil || *up.Own.Pos < *least {
			least = up.Own.Pos
		}
	}
	return max(pos, *least), nil
}

// Read notes a page, as the service gave it, before its records are handed out. Last is the position of the last record
// that will be handed out, this page's or an earlier one's; zero: none since the hold began. If retention may have taken
// records that were not read, Read tells what and notes nothing: the page is read again after Accept.
func (p *Progress) Read(page api.Page, last stream.Position) (Loss, bool) {
	v := p.s.last()
	now := clock(page.Date)
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit := v.expired(now); limit > p.seen && !p.holds(page) && !mutated("a loss is not told") {
		return lossOf(p.row, p.seen, limit), true
	}
	p.begun = true
	for _, r := range page.Records {
		p.seen = max(p.seen, r.Arrival.UnixMilli()-dateStep)
	}
	if atTip(page) {
		p.seen = max(p.seen, now-dateStep)
	}
	p.mark(last, p.seen)
	return Loss{}, false
}

// atTip reports whether all that had arrived when the page was read was read with it, in this shard and in what follows it:
// the shard was open. After the last records of one that is closed the service may tell its end only on the next page.
func atTip(page api.Page) bool {
	switch {
	case page.Behind > 0:
		return false
	case mutated("the end of a shard is its tip"):
		return true
	case mutated("the last records of a shard are its tip"):
		return page.Next != ""
	}
	return page.Next != "" && len(page.Records) == 0
}

// holds reports whether the page begins with the record of the checkpoint: retention takes the oldest first, so that
// nothing after it is missing. Rows that another library wrote are known by this only.
func (p *Progress) holds(page api.Page) bool {
	return !p.begun && p.row.Numeric() && len(page.Records) > 0 && page.Records[0].Sequence == p.row.Checkpoint
}

// Accept goes on after a loss was told: it is not told again.
func (p *Progress) Accept(l Loss) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	p.seen = max(p.seen, l.To.UnixMilli())
	p.mark(p.last, p.seen)
}

// Settle notes that everything up to a position is settled.
func (p *Progress) Settle(at stream.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled.Compare(at) < 0 {
		p.settled = at
	}
	n := 0
	for n < len(p.marks) && p.marks[n].after.Compare(p.settled) <= 0 {
		p.pos = max(p.pos, p.marks[n].pos)
		n++
	}
	p.marks = append(p.marks[:0], p.marks[n:]...)
}

// Pos is what lease.Change.Pos should be in the next write of the row, in milliseconds.
func (p *Progress) Pos() *int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	pos := p.pos
	return &pos
}

func (p *Progress) mark(after stream.Position, pos int64) {
	if p.last.Compare(after) < 0 {
		p.last = after
	}
	if p.last.Compare(p.settled) <= 0 {
		p.pos = max(p.pos, pos)
		return
	}
	if n := len(p.marks); n > 0 && p.marks[n-1].after == p.last {
		p.marks[n-1].pos = pos
		return
	}
	if len(p.marks) == mostMarks {
		for i := range mostMarks / 2 {
			p.marks[i] = p.marks[2*i+1]
		}
		p.marks = p.marks[:mostMarks/2]
	}
	p.marks = append(p.marks, mark{after: p.last, pos: pos})
}

// unread is up to when everything was read.
func (p *Progress) unread() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}
