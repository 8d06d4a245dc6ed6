package fakekinesis

import (
	"regexp"
	"slices"
	"time"
)

// Bounds of the service (developer guide, quotas).
const (
	maxItem = 400 << 10 // bytes of an item, names included
	maxPage = 1 << 20   // bytes of a page of Scan
	maxKey  = 2048      // bytes of a partition key
)

const (
	tableCreating = "CREATING"
	tableActive   = "ACTIVE"
)

// tableNames are those that the service allows.
var tableNames = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// A table has items by the text of their keys.
type table struct {
	name    string
	key     key
	sort    key // of a table that is none of leases
	created time.Time
	billing string
	rows    map[string][]version // oldest first; the last is what is there
}

// A version is what an item was from a time on; item nil: it was not there.
type version struct {
	from time.Time
	item Item
}

// A key is the attribute that tells items apart.
type key struct {
	name string
	kind string // S, N or B
}

func newTable(name string, k key, now time.Time) *table {
	return &table{name: name, key: k, created: now, billing: "PAY_PER_REQUEST", rows: map[string][]version{}}
}

// status is the table's after a time of creation.
func (t *table) status(creating time.Duration) string {
	if time.Since(t.created) < creating {
		return tableCreating
	}
	return tableActive
}

// now is an item as it is; nil: there is none.
func (t *table) now(id string) Item {
	versions := t.rows[id]
	if len(versions) == 0 {
		return nil
	}
	return versions[len(versions)-1].item
}

// at is an item as it was at a time.
func (t *table) at(id string, when time.Time) Item {
	for _, v := range slices.Backward(t.rows[id]) {
		if !v.from.After(when) {
			return v.item
		}
	}
	return nil
}

// write makes i the item; nil removes it. Older versions are kept as long as somebody may read them.
func (t *table) write(id string, i Item, lag time.Duration) {
	now := time.Now()
	versions := append(t.rows[id], version{from: now, item: i})
	oldest := now.Add(-lag)
	for len(versions) > 1 && !versions[1].from.After(oldest) {
		versions = versions[1:]
	}
	if len(versions) == 1 && i == nil {
		delete(t.rows, id)
		return
	}
	t.rows[id] = versions
}

// of is the text of an item's key, or the service's refusal.
func (k key) of(i Item) (string, error) {
	v, ok := i[k.name]
	switch {
	case !ok:
		return "", invalid("Missing the key %s in the item", k.name)
	case v.kind != k.kind:
		return "", invalid("Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, v.kind)
	case v.text == "":
		return "", invalid("The key %s is empty", k.name)
	case len(v.text) > maxKey:
		return "", invalid("The key %s has more than %d bytes", k.name, maxKey)
	}
	return v.text, nil
}

// only is the text of a key that is given without other attributes.
func (k key) only(i Item) (string, error) {
	if v, ok := i[k.name]; len(i) != 1 || !ok || v.kind != k.kind {
		return "", invalid("The provided key element does not match the schema")
	}
	return k.of(i)
}

// item is the key alone.
func (k key) item(id string) Item { return Item{k.name: Value{kind: k.kind, text: id}} }
