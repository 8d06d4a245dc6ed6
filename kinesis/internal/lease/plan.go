package lease

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A table is one reading of all rows, with what this member makes of it.
type table struct {
	rows   map[string]Row
	free   []free              // nobody holds them, and they may be taken
	held   map[string][]string // leases by who holds them or is about to; everybody alive has an entry
	barred map[string]bool     // a former Lease of ours was not released yet
	fast   bool                // most of the table is free: who else begins now cannot be seen yet
}

// meet notes that an owner is alive.
func (t *table) meet(owner string) {
	if _, known := t.held[owner]; !known {
		t.held[owner] = nil
	}
}

// A free row is one that nobody holds.
type free struct {
	key  string
	idle time.Duration // for how long its counter has not moved
}

// A plan is what one member does about a table.
type plan struct {
	take, steal []string
	more        bool // there is more to do, once others could be seen
}

// plan shares the leases out: everybody alive gets as many, and those that have more today keep what is left over, so
// that everybody who sees the same table comes to the same result and as few leases as possible move. Leases idle for
// longer than long are taken even over our share: whoever should have, does not.
func (t table) plan(me string, steals int, long time.Duration, r *rand.Rand) plan {
	want := t.shares()[me] - len(t.held[me])
	var p plan
	for _, f := range t.order(long, r) {
		switch {
		case want > 0:
			want--
		case f.idle <= long || len(p.take) > 0:
			continue
		}
		p.take = append(p.take, f.key)
	}
	if t.fast && len(p.take) > 1 {
		p.take, p.more = p.take[:(len(p.take)+1)/2], true
		return p
	}
	if want <= 0 || len(t.free) > len(p.take) {
		return p
	}
	if len(t.held[me]) == 0 && len(p.take) == 0 { // let others that joined with us see us first
		steals = 1
	}
	p.steal = t.steal(me, len(p.take), min(want, steals), r)
	return p
}

// shares is how many leases each should hold.
func (t table) shares() map[string]int {
	total, owners := len(t.free), make([]string, 0, len(t.held))
	for owner, keys := range t.held {
		owners, total = append(owners, owner), total+len(keys)
	}
	slices.SortFunc(owners, func(a, b string) int {
		if mutated("a difference of one is turned round") {
			a, b = b, a
		}
		return cmp.Or(len(t.held[b])-len(t.held[a]), strings.Compare(a, b))
	})
	shares := make(map[string]int, len(owners))
	for i, owner := range owners {
		shares[owner] = total / len(owners)
		if i < total%len(owners) {
			shares[owner]++
		}
	}
	return shares
}

// order is the order in which free rows are taken: what was idle for long first, the rest by lot, so that members that
// take at the same time meet seldom.
func (t table) order(long time.Duration, r *rand.Rand) []free {
	all := slices.Clone(t.free)
	slices.SortFunc(all, func(a, b free) int { return strings.Compare(a.key, b.key) })
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b free) int {
		return cmp.Compare(max(b.idle, long), max(a.idle, long))
	})
	return all
}

// steal chooses n leases of those that have the most. It never evens out a difference of one: that would only turn it
// round.
func (t table) steal(me string, taken, n int, r *rand.Rand) []string {
	left := make(map[string][]string, len(t.held))
	for owner, keys := range t.held {
		if owner != me {
			left[owner] = slices.DeleteFunc(slices.Sorted(slices.Values(keys)), func(key string) bool {
				return t.rows[key].HandOver != "" || t.barred[key]
			})
		}
	}
	mine := len(t.held[me]) + taken
	gone := make(map[string]int, len(left))
	var chosen []string
	for len(chosen) < n {
		from, most := "", mine+1
		if mutated("a difference of one is turned round") {
			most = mine
		}
		for _, owner := range sortedKeys(left) {
			if has := len(t.held[owner]) - gone[owner]; has > most && len(left[owner]) > 0 {
				from, most = owner, has
			}
		}
		if from == "" {
			break
		}
		i := r.IntN(len(left[from]))
		chosen = append(chosen, left[from][i])
		left[from] = slices.Delete(left[from], i, i+1)
		gone[from]++
		mine++
	}
	return chosen
}

// sortedKeys are the names in an order that does not change from run to run.
func sortedKeys[T any](of map[string]T) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
