package lease

import (
	"reflect"
	"slices"
)

// Meets reports whether r meets the condition of c.
func (c Change) Meets(r Row) bool {
	switch {
	case c.Counter != nil && r.Counter != *c.Counter:
	case c.Owner != nil && r.Owner != *c.Owner:
	case c.HandOverIs != nil && r.HandOver != *c.HandOverIs:
	case c.IsBlind && !r.Own.Blind:
	case c.NotEnded && r.Ended():
	case c.StartAbsent && r.Own.Start != nil:
	default:
		return true
	}
	return false
}

// Apply returns r as it is after c was written. It shares no memory with c or r.
func (c Change) Apply(r Row) Row {
	r = r.clone()
	if c.Raise {
		r.Counter++
	}
	if c.AddSwitch {
		r.Switches++
	}
	set(&r.Owner, c.SetOwner)
	set(&r.HandOver, c.SetHandOver)
	if c.Checkpoint != nil {
		r.Checkpoint, r.Sub, r.Switches, r.Pending = *c.Checkpoint, c.Sub, 0, false
	}
	if c.State != nil {
		r.Own.State, r.Own.Has = slices.Clone(*c.State), *c.State != nil
	}
	if c.Parents != nil {
		r.Parents = ids(c.Parents)
	}
	if c.Children != nil {
		r.Children = ids(c.Children)
	}
	set(&r.First, c.First)
	set(&r.Last, c.Last)
	set(&r.Own.Blind, c.Blind)
	replace(&r.Own.Start, c.Start)
	replace(&r.Own.Born, c.Born)
	replace(&r.Own.Pos, c.Pos)
	return r
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func replace(field **int64, to *int64) {
	if to != nil {
		n := *to
		*field = &n
	}
}

// borne reports whether r looks as if c had been written to it.
func (c Change) borne(r Row) bool {
	c.Raise, c.AddSwitch = false, false
	after := c.Apply(r)
	after.Switches = r.Switches
	r.Parents, r.Children = ids(r.Parents), ids(r.Children)
	after.Parents, after.Children = ids(after.Parents), ids(after.Children)
	r.Own.State, after.Own.State = append([]byte{}, r.Own.State...), append([]byte{}, after.Own.State...)
	return reflect.DeepEqual(r, after)
}

// clone is a copy that shares nothing with r.
func (r Row) clone() Row {
	r.Parents, r.Children, r.Own.State = slices.Clone(r.Parents), slices.Clone(r.Children), slices.Clone(r.Own.State)
	replace(&r.Own.Start, r.Own.Start)
	replace(&r.Own.Born, r.Own.Born)
	replace(&r.Own.Pos, r.Own.Pos)
	return r
}

// ids is a set of shards as rows keep it: sorted, and nil if it is empty.
func ids(set []string) []string {
	if len(set) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(set)))
}
