package leasetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A Load is what clients do to a store at the same time.
type Load struct {
	Seed    uint64
	Calls   int           // of each client
	Pause   time.Duration // between calls of a client, at most
	Timeout time.Duration // of a call
	Settle  time.Duration // how long writes that nobody waits for may take
}

// keys are few, so that clients meet.
var keys = []string{"shardId-000000000000", "shardId-000000000001", "shardId-000000000002"}

// Drive lets one client work at each store, all of one table, and returns what they saw.
func Drive(ctx context.Context, stores []lease.Store, l Load) []porcupine.Operation {
	h := &history{}
	var clients sync.WaitGroup
	for n, s := range stores {
		clients.Go(func() {
			c := &client{
				history: h, store: s, load: l, id: n, name: fmt.Sprintf("member-%d", n),
				random: rand.New(rand.NewPCG(l.Seed, uint64(n))), seen: map[string]lease.Row{},
			}
			for range l.Calls {
				c.call(ctx)
			}
		})
	}
	clients.Wait()
	time.Sleep(l.Settle)
	last := &client{history: h, store: stores[0], load: l, id: len(stores), seen: map[string]lease.Row{}}
	for _, key := range keys {
		last.get(ctx, key)
	}
	return h.operations
}

// Linear reports whether the history could be that of a table that does one thing at a time. It says of a write whose outcome
// is unknown that it happens at some time after it began, or never.
func Linear(operations []porcupine.Operation) bool {
	return porcupine.CheckOperations(table, operations)
}

// A history is what clients saw.
type history struct {
	clock atomic.Int64

	mu         sync.Mutex // guards what follows
	operations []porcupine.Operation
}

// A question is one call, of one row.
type question struct {
	op     string // get, create, update or delete
	key    string
	row    lease.Row    // of create
	change lease.Change // of update
	count  int64        // of delete
}

// A reply is what came back.
type reply struct {
	done    bool      // created; not in conflict; a row is there
	unknown bool      // it may happen yet
	row     lease.Row // what was read or written; zero if that is not known
}

func (h *history) add(client int, q question, began int64, r reply) {
	ended := h.clock.Add(1)
	if r.unknown {
		ended = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: q, Call: began, Output: r, Return: ended})
}

// A client is a member that does what it likes.
type client struct {
	*history
	store  lease.Store
	load   Load
	id     int
	name   string
	random *rand.Rand
	seen   map[string]lease.Row // as this client knows it
}

// call makes one call at random, mostly such as fit what was seen last.
func (c *client) call(ctx context.Context) {
	if c.load.Pause > 0 {
		time.Sleep(time.Duration(c.random.Int64N(int64(c.load.Pause))))
	}
	if c.load.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.load.Timeout)
		defer cancel()
	}
	key := keys[c.random.IntN(len(keys))]
	switch n := c.random.IntN(20); {
	case n < 4:
		c.get(ctx, key)
	case n < 6:
		c.scan(ctx)
	case n < 9:
		c.create(ctx, key)
	case n < 11:
		c.remove(ctx, key)
	default:
		c.update(ctx, key, c.change(key))
	}
}

// change is one as members make it, of the row as it was seen.
func (c *client) change(key string) lease.Change {
	seen := c.seen[key]
	counter := seen.Counter
	change := lease.Change{Counter: &counter, Raise: true}
	switch c.random.IntN(5) {
	case 0:
		change.SetOwner, change.AddSwitch = &c.name, seen.Owner != c.name
	case 1:
		change.Owner, change.Checkpoint = &c.name, to(fmt.Sprint(1+c.random.IntN(1000)))
	case 2:
		change.Owner, change.SetOwner = &c.name, to("")
	case 3:
		change.Counter, change.NotEnded = nil, true
		change.Pos = to(c.random.Int64N(1000))
	default:
		change.Owner = &c.name
	}
	return change
}

func (c *client) get(ctx context.Context, key string) {
	began := c.clock.Add(1)
	row, ok, err := c.store.Get(ctx, key)
	if err != nil {
		return
	}
	c.add(c.id, question{op: "get", key: key}, began, reply{done: ok, row: row})
	c.seen[key] = row
}

// scan counts as a read of every row, each at some time while it lasts.
func (c *client) scan(ctx context.Context) {
	began := c.clock.Add(1)
	rows, err := c.store.Scan(ctx)
	if err != nil {
		return
	}
	for _, key := range keys {
		n := slices.IndexFunc(rows, func(r lease.Row) bool { return r.Key == key })
		r := reply{done: n >= 0}
		if r.done {
			r.row = rows[n]
		}
		c.add(c.id, question{op: "get", key: key}, began, r)
		c.seen[key] = r.row
	}
}

func (c *client) create(ctx context.Context, key string) {
	began := c.clock.Add(1)
	row := lease.Row{Key: key, Counter: began * 1000, Checkpoint: lease.AtOldest}
	made, err := c.store.Create(ctx, row)
	c.answered(question{op: "create", key: key, row: row}, began, reply{done: made}, err)
}

func (c *client) remove(ctx context.Context, key string) {
	began := c.clock.Add(1)
	count := c.seen[key].Counter
	err := c.store.Delete(ctx, key, count)
	c.answered(question{op: "delete", key: key, count: count}, began, reply{done: err == nil}, err)
}

func (c *client) update(ctx context.Context, key string, change lease.Change) {
	began := c.clock.Add(1)
	row, err := c.store.Update(ctx, key, change)
	c.answered(question{op: "update", key: key, change: change}, began, reply{done: err == nil, row: row}, err)
	if row.Key != "" {
		c.seen[key] = row
	}
}

// answered records a write, unless it is known not to have reached the table.
func (c *client) answered(q question, began int64, r reply, err error) {
	r.unknown = errors.Is(err, stream.ErrUnknownOutcome)
	if err == nil || r.unknown || errors.Is(err, lease.ErrConflict) {
		c.add(c.id, q, began, r)
	}
}

// table is what the store should be: rows that are changed one at a time. Rows are checked each for itself.
var table = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range all {
			key := o.Input.(question).key
			byKey[key] = append(byKey[key], o)
		}
		var parts [][]porcupine.Operation
		for _, key := range keys {
			slices.SortFunc(byKey[key], func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
			parts = append(parts, byKey[key])
		}
		return parts
	},
	Init: func() any { return lease.Row{} },
	Step: func(state, input, output any) (bool, any) {
		return step(state.(lease.Row), input.(question), output.(reply))
	},
	Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
}

// step says whether a table that has this row, zero for none, may reply so, and what it has then.
func step(now lease.Row, q question, r reply) (bool, lease.Row) {
	there := now.Key != ""
	switch q.op {
	case "get":
		return r.done == there && (!there || reflect.DeepEqual(now, r.row)), now
	case "create":
		if there {
			return r.unknown || !r.done, now
		}
		return r.unknown || r.done, q.row
	case "delete":
		if !there || now.Counter != q.count {
			return r.unknown || !r.done, now
		}
		return r.unknown || r.done, lease.Row{}
	}
	if !there || !meets(now, q.change) {
		return r.unknown || !r.done, now
	}
	then := written(now, q.change)
	return r.unknown || r.done && reflect.DeepEqual(then, r.row), then
}

// meets and written know the changes that clients make here.
func meets(r lease.Row, c lease.Change) bool {
	return (c.Counter == nil || r.Counter == *c.Counter) && (c.Owner == nil || r.Owner == *c.Owner) && !(c.NotEnded && r.Ended())
}

func written(r lease.Row, c lease.Change) lease.Row {
	if c.Raise {
		r.Counter++
	}
	if c.AddSwitch {
		r.Switches++
	}
	if c.SetOwner != nil {
		r.Owner = *c.SetOwner
	}
	if c.Checkpoint != nil {
		r.Checkpoint, r.Sub, r.Switches = *c.Checkpoint, c.Sub, 0
	}
	if c.Pos != nil {
		r.Own.Pos = c.Pos
	}
	return r
}
