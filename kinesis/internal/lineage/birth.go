package lineage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// Anchor is the row that says when the group began. It is the first to be written, never written again, and never removed.
// It is also the row of the stream's first shard, if there still is one.
const Anchor = "shardId-000000000000"

// births is how often a table may be found empty after its anchor was written: somebody is emptying it.
const births = 3

// join reads the table and finds the group's threshold in it; a group without rows is born.
func (p *pass) join(ctx context.Context, created time.Time) error {
	for range births {
		rows, err := p.c.Store.Scan(ctx)
		if err != nil {
			return err
		}
		p.rows = make(map[string]lease.Row, len(rows))
		for _, r := range rows {
			p.rows[r.Key] = r
		}
		_, anchored := p.rows[Anchor]
		if len(rows) != 0 && (anchored || !mutated("the anchor is made again")) {
			return p.agree(ctx, created)
		}
		p.threshold, p.birth = p.start(), p.now
		if _, err := p.make(ctx, p.row(Anchor, nil, whole, false)); err != nil {
			return err
		}
	}
	return fmt.Errorf("the rows of the group on %s vanish as they are written", p.c.Stream)
}

// apart is how far the clocks of the service's machines may be apart: that which tells the time, and those that tell when
// a record arrived.
const apart = 250

// Tip is the threshold of a reading that begins at the end, at a time in milliseconds since 1970 that the service told. What
// is sent from then on arrives at or after it.
func Tip(now int64) int64 { return max(0, now-apart) }

// start is the threshold that the configuration asks for.
func (p *pass) start() int64 {
	switch kind, t, _ := p.c.Start.Parts(); kind {
	case stream.StartLatest:
		return Tip(p.now)
	case stream.StartSince:
		return max(0, t.Add(time.Millisecond-1).UnixMilli())
	}
	return 0
}

// agree takes the threshold from the rows, and annotates those that do not tell it.
func (p *pass) agree(ctx context.Context, created time.Time) error {
	t, known := p.told()
	if !known {
		first := p.lowest()
		if err := p.annotate(ctx, first, p.adopted()); err != nil {
			return err
		}
		if t, known = p.told(); !known {
			return fmt.Errorf("the lease of %s on %s went away as it was annotated", first, p.c.Stream)
		}
	}
	p.threshold, p.birth = t, p.born()
	if mutated("the start is resolved again") {
		p.threshold = p.start()
	}
	if made := created.UnixMilli(); !created.IsZero() && made-p.birth > rebornAfter.Milliseconds() {
		return fmt.Errorf("%w: %s was made at %v, the rows at %v; remove the lease table to begin anew",
			ErrReborn, p.c.Stream, created.UTC(), time.UnixMilli(p.birth).UTC())
	}
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		if p.rows[key].Own.Start != nil {
			continue
		}
		if err := p.annotate(ctx, key, t); err != nil {
			return err
		}
	}
	return nil
}

// told is the threshold that the anchor tells, else the least that any row does.
func (p *pass) told() (t int64, known bool) {
	if a, has := p.rows[Anchor]; has && a.Own.Start != nil {
		return *a.Own.Start, true
	}
	for _, r := range p.rows {
		if r.Own.Start != nil && (!known || *r.Own.Start < t) {
			t, known = *r.Own.Start, true
		}
	}
	return t, known
}

// born is when the group was, as far as the rows tell.
func (p *pass) born() int64 {
	if a, has := p.rows[Anchor]; has && a.Own.Born != nil {
		return *a.Own.Born
	}
	born := p.now
	for _, r := range p.rows {
		if r.Own.Born != nil {
			born = min(born, *r.Own.Born)
		}
	}
	return born
}

func (p *pass) lowest() string { return slices.Min(slices.Collect(maps.Keys(p.rows))) }

// adopted is the threshold of a group that Amazon's workers began. When they did, no row tells: what they left unread is
// wanted. Only a time that is configured holds, if they have not begun to read.
func (p *pass) adopted() int64 {
	if kind, _, _ := p.c.Start.Parts(); kind != stream.StartSince {
		return 0
	}
	for _, r := range p.rows {
		if r.Numeric() || r.Ended() {
			return 0
		}
	}
	return p.start()
}

// annotate gives a row of Amazon's workers what it lacks. Its counter stays: its owner must not lose it by this.
func (p *pass) annotate(ctx context.Context, key string, t int64) error {
	p.threshold = t
	if p.birth == 0 {
		p.birth = p.born()
	}
	now, pos := p.now, p.inherited(p.rows[key].Parents)
	row, err := p.c.Store.Update(ctx, key, lease.Change{StartAbsent: true, Start: &t, Born: &now, Pos: &pos})
	if errors.Is(err, lease.ErrConflict) && row.Key == "" {
		_, _, err = p.fetch(ctx, key)
		return err
	}
	return p.changed(ctx, key, row, err)
}
