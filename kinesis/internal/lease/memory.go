package lease

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A Memory is a table in memory: a Store without faults. Members see it through ways of their own (Memory.Way), on which
// calls may be late, refused or left without an answer. Writes happen one at a time. It is for tests and simulations.
type Memory struct {
	late sync.WaitGroup // writes that are on their way

	mu    sync.Mutex // guards what follows
	rows  map[string]Row
	watch func(Write)
}

// NewMemory makes a table of these rows.
func NewMemory(rows ...Row) *Memory {
	m := &Memory{rows: map[string]Row{}, watch: func(Write) {}}
	for _, r := range rows {
		m.rows[r.Key] = r.clone()
	}
	return m
}

// A Write is a change that happened.
type Write struct {
	Call
	Before, After Row // without a Key: there was none, or there is none any more
}

// Watch is told every write, in their order, before it is answered. The function must not call the table.
func (m *Memory) Watch(f func(Write)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watch = f
}

// Wait returns when no write is on its way.
func (m *Memory) Wait() { m.late.Wait() }

// A Call is one use of the table.
type Call struct {
	By, Op, Key string // Op is the method's name in lower case; Key is empty for a scan
	Change      Change // of an update
}

// A Fault is what happens to a call. The zero Fault is none.
type Fault struct {
	Before time.Duration // until the call reaches the table: a write does so even if its caller has gone
	Err    error         // the call does not reach the table, and this is the answer
	After  time.Duration // until the answer is back
	Lost   bool          // the answer is ErrUnknownOutcome
}

// Way is the table as the member called by sees it. Fault is asked about each call; nil: none ever.
func (m *Memory) Way(by string, fault func(Call) Fault) Store {
	if fault == nil {
		fault = func(Call) Fault { return Fault{} }
	}
	return &way{m, by, fault}
}

type way struct {
	*Memory
	by    string
	fault func(Call) Fault
}

// Scan returns all rows, by key.
func (m *Memory) Scan(ctx context.Context) ([]Row, error) { return m.Way("", nil).Scan(ctx) }

// Get returns a row.
func (m *Memory) Get(ctx context.Context, key string) (Row, bool, error) {
	return m.Way("", nil).Get(ctx, key)
}

// Create writes a row if there is none with its key.
func (m *Memory) Create(ctx context.Context, r Row) (bool, error) {
	return m.Way("", nil).Create(ctx, r)
}

// Update changes a row.
func (m *Memory) Update(ctx context.Context, key string, c Change) (Row, error) {
	return m.Way("", nil).Update(ctx, key, c)
}

// Delete removes a row.
func (m *Memory) Delete(ctx context.Context, key string, counter int64) error {
	return m.Way("", nil).Delete(ctx, key, counter)
}

func (w *way) Scan(ctx context.Context) ([]Row, error) {
	return through(ctx, w, Call{Op: "scan"}, func(Call) ([]Row, error) {
		var rows []Row
		for _, r := range w.rows {
			rows = append(rows, r.clone())
		}
		slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Key, b.Key) })
		return rows, nil
	})
}

func (w *way) Get(ctx context.Context, key string) (Row, bool, error) {
	r, err := through(ctx, w, Call{Op: "get", Key: key}, func(Call) (Row, error) { return w.rows[key].clone(), nil })
	return r, r.Key != "", err
}

func (w *way) Create(ctx context.Context, r Row) (bool, error) {
	return through(ctx, w, Call{Op: "create", Key: r.Key}, func(c Call) (bool, error) {
		if _, there := w.rows[r.Key]; there {
			return false, nil
		}
		w.write(c, r.clone())
		return true, nil
	})
}

func (w *way) Update(ctx context.Context, key string, change Change) (Row, error) {
	return through(ctx, w, Call{Op: "update", Key: key, Change: change}, func(c Call) (Row, error) {
		r, there := w.rows[key]
		if !there || !change.Meets(r) {
			return r.clone(), ErrConflict
		}
		r = change.Apply(r)
		w.write(c, r)
		return r.clone(), nil
	})
}

func (w *way) Delete(ctx context.Context, key string, counter int64) error {
	_, err := through(ctx, w, Call{Op: "delete", Key: key}, func(c Call) (Row, error) {
		r, there := w.rows[key]
		if !there || r.Counter != counter {
			return Row{}, ErrConflict
		}
		w.write(c, Row{})
		return Row{}, nil
	})
	return err
}

// write puts a row in place of the one of the call's key. The caller holds mu.
func (m *Memory) write(c Call, r Row) {
	before := m.rows[c.Key]
	if r.Key == "" {
		delete(m.rows, c.Key)
	} else {
		m.rows[c.Key] = r
	}
	m.watch(Write{Call: c, Before: before.clone(), After: r.clone()})
}

// through makes a call with the fault that is meant for it.
func through[T any](ctx context.Context, w *way, c Call, do func(Call) (T, error)) (T, error) {
	var none T
	c.By = w.by
	if err := ctx.Err(); err != nil {
		return none, err
	}
	f := w.fault(c)
	if f.Err != nil {
		return none, refuse(ctx, f)
	}
	at := func() (T, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return do(c)
	}
	if f.Before == 0 && f.After == 0 && !f.Lost {
		return at()
	}
	type answer struct {
		value T
		err   error
	}
	back := make(chan answer, 1)
	w.late.Go(func() {
		time.Sleep(f.Before)
		var a answer
		a.value, a.err = at()
		if f.Lost {
			a = answer{err: fmt.Errorf("%w: the answer is lost", stream.ErrUnknownOutcome)}
		}
		time.Sleep(f.After)
		back <- a
	})
	select {
	case a := <-back:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, ctx.Err())
	}
}

// refuse answers a call that does not reach the table.
func refuse(ctx context.Context, f Fault) error {
	timer := time.NewTimer(f.Before + f.After)
	defer timer.Stop()
	select {
	case <-timer.C:
		return f.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}
