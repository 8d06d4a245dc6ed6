package fakekinesis

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Tables is Amazon DynamoDB, as much of it as leases need: tables with a partition key and no more, single-item calls with
// conditions, and Scan. It answers requests of the real SDK (JSON 1.0) as an http.RoundTripper. What it does not know it
// refuses with ValidationException and never ignores. Methods may be called from many goroutines.
type Tables struct {
	options TableOptions

	mu     sync.Mutex // guards what follows; nothing waits under it
	tables map[string]*table
}

// TableOptions say how Tables behaves where the service leaves it open.
type TableOptions struct {
	Seed      uint64        // of the order of a Scan, and of how old a read is
	Script    *Script       // what goes wrong; nil: one of its own
	PageBytes int           // of a page of Scan; default 1 MiB, the service's
	PageItems int           // of a page of Scan; 0: as many as fit
	Lag       time.Duration // a read that is not consistent shows a state up to so long ago; 0: the newest
	Creating  time.Duration // how long a new table is not usable
	Bare      bool          // a failed condition never answers with the item, as some emulators do not
}

// NewTables makes a DynamoDB without tables.
func NewTables(o TableOptions) *Tables {
	if o.Script == nil {
		o.Script = NewScript(o.Seed)
	}
	if o.PageBytes <= 0 {
		o.PageBytes = maxPage
	}
	return &Tables{options: o, tables: map[string]*table{}}
}

// Script is what goes wrong here.
func (t *Tables) Script() *Script { return t.options.Script }

// Ops counts the calls of each operation.
func (t *Tables) Ops() map[string]int { return t.options.Script.Ops() }

// RoundTrip answers a request of the SDK.
func (t *Tables) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	a, err := t.read(request)
	if err != nil {
		return nil, err
	}
	return t.options.Script.perform(request.Context(), a)
}

// Put stores an item as it is, past every condition, in a table that is made with the key leaseKey if there is none. It is
// for tests that begin with what others wrote.
func (t *Tables) Put(name string, i Item) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tables[name] == nil {
		t.tables[name] = newTable(name, key{name: "leaseKey", kind: kindS}, time.Now())
	}
	table := t.tables[name]
	id, err := table.key.of(i)
	if err != nil {
		return err
	}
	if i.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	table.write(id, i.clone(), t.options.Lag)
	return nil
}

// Items are the items of a table by their keys' text, as they are now. They are the caller's.
func (t *Tables) Items(name string) map[string]Item {
	t.mu.Lock()
	defer t.mu.Unlock()
	items := map[string]Item{}
	if table := t.tables[name]; table != nil {
		for id := range table.rows {
			if i := table.now(id); i != nil {
				items[id] = i.clone()
			}
		}
	}
	return items
}

// Remove takes an item away, past every condition; nothing happens if there is none.
func (t *Tables) Remove(name, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if table := t.tables[name]; table != nil && table.rows[id] != nil {
		table.write(id, nil, t.options.Lag)
	}
}

// usable is a table that takes items. The caller holds the lock.
func (t *Tables) usable(name string) (*table, error) {
	table := t.tables[name]
	if table == nil || table.status(t.options.Creating) != tableActive {
		return nil, missing("Requested resource not found")
	}
	if table.sort.name != "" {
		return nil, invalid("The provided key element does not match the schema")
	}
	return table, nil
}

// A refusal is an error of the service.
type refusal struct {
	code    string
	message string
	item    Item // with ConditionalCheckFailedException, if asked for
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %s", r.code, r.message) }

func invalid(format string, args ...any) error {
	return &refusal{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &refusal{code: "ResourceNotFoundException", message: fmt.Sprintf(format, args...)}
}
