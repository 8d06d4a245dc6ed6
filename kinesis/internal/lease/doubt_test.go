package lease_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A write that comes late, after another failed, is what others measure the owner's silence from: a renewal that meets it
// is no younger than it.
func TestLateWriteIsNoYoungRenewal(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		l := w.take("a", w.manage("a"))
		var mu sync.Mutex
		var saved lease.Change
		calls := 0
		w.via("a", func(c lease.Call) lease.Fault {
			if c.Op != "update" {
				return lease.Fault{}
			}
			mu.Lock()
			defer mu.Unlock()
			switch calls++; calls {
			case 1:
				saved = c.Change
				return lease.Fault{Err: stream.ErrUnknownOutcome}
			case 2:
				return lease.Fault{Err: stream.ErrUnauthorized}
			case 3:
				return lease.Fault{}
			}
			return cut(c)
		})
		_, err := l.Update(t.Context(), checkpoint(1))
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		_, err = w.table.Way("a", nil).Update(t.Context(), l.Row().Key, saved)
		require.NoError(t, err)
		came := time.Now()
		time.Sleep(failover / 2)
		require.True(t, l.Valid())
		require.Equal(t, w.now(l.Row().Key).Counter, l.Row().Counter, "the write that came late is known")
		time.Sleep(time.Until(came.Add(failover)))
		require.False(t, l.Valid(), "somebody else may take the row now")
	})
}

// A member that takes what was not handed over, and does not hear that it did, does not take that for a hand-over.
func TestUnheardTakeIsNoHandOver(t *testing.T) {
	bubble(t, 2, true, func(t *testing.T, w *world) {
		a := w.manage("a")
		mine := []*lease.Lease{w.take("a", a), w.take("a", a)}
		var mu sync.Mutex
		deaf := 0
		w.via("b", func(c lease.Call) lease.Fault {
			mu.Lock()
			defer mu.Unlock()
			switch late := c.Change.SetHandOver != nil && *c.Change.SetHandOver == ""; {
			case c.Op == "update" && late && deaf < 4:
				if deaf++; deaf == 1 {
					w.via("a", cut)
				}
				return lease.Fault{Lost: true}
			case c.Op == "get" && deaf > 0 && deaf <= 4:
				return lease.Fault{Err: stream.ErrThrottled}
			}
			return lease.Fault{}
		})
		b := w.manage("b", func(c *lease.Config) { c.Grace = failover })
		l := w.take("b", b)
		require.Equal(t, 4, deaf)
		for _, old := range mine {
			require.False(t, old.Row().Key == l.Row().Key && old.Valid())
		}
	})
}

// A take that is answered while its member is abandoned keeps nobody waiting.
func TestAbandonDuringATake(t *testing.T) {
	bubble(t, 1, true, func(t *testing.T, w *world) {
		s := &slow{Store: w.store("a"), sent: make(chan struct{}), answer: make(chan struct{})}
		c := w.config("a")
		c.Store = s
		m := lease.NewManager(c)
		m.Start()
		<-s.sent
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Abandon()
		}()
		synctest.Wait()
		close(s.answer)
		<-done
		require.Less(t, time.Since(began), time.Second)
	})
}

// A slow table answers the first update when it is told to, whatever became of its caller.
type slow struct {
	lease.Store
	once         sync.Once
	sent, answer chan struct{}
}

func (s *slow) Update(ctx context.Context, key string, c lease.Change) (lease.Row, error) {
	r, err := s.Store.Update(ctx, key, c)
	s.once.Do(func() { close(s.sent) })
	<-s.answer
	return r, err
}
