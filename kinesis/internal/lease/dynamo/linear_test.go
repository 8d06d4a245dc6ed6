package dynamo_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/lease/leasetest"
)

// history lets clients work at a fake where much goes wrong, in a bubble.
func history(
	t *testing.T, seed uint64, o fakekinesis.TableOptions,
	spoil func(lease.Store) lease.Store, way func(http.RoundTripper) http.RoundTripper,
) []porcupine.Operation {
	t.Helper()
	var operations []porcupine.Operation
	synctest.Test(t, func(t *testing.T) {
		o.Seed, o.PageItems = seed, 2
		fake := fakekinesis.NewTables(o)
		open(t, fake)
		var stores []lease.Store
		for range 5 {
			s, err := dynamo.Open(t.Context(), client(way(fake)), table, false)
			require.NoError(t, err)
			stores = append(stores, spoil(s))
		}
		fake.Script().Add(
			fakekinesis.Fault{Kind: fakekinesis.Delay, Chance: 0.9, Extra: 20 * time.Millisecond},
			fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: "ProvisionedThroughputExceededException", Chance: 0.05},
			fakekinesis.Fault{Kind: fakekinesis.RefuseAfter, Chance: 0.01},
			fakekinesis.Fault{Kind: fakekinesis.Reset, Chance: 0.01},
			fakekinesis.Fault{Kind: fakekinesis.Lose, Chance: 0.02},
			fakekinesis.Fault{Kind: fakekinesis.Late, Delay: 50 * time.Millisecond, Chance: 0.01},
		)
		operations = leasetest.Drive(t.Context(), stores, leasetest.Load{
			Seed: seed, Calls: 60, Pause: 30 * time.Millisecond, Timeout: 35 * time.Millisecond, Settle: time.Second,
		})
	})
	return operations
}

func asItIs(s lease.Store) lease.Store                { return s }
func direct(next http.RoundTripper) http.RoundTripper { return next }

func TestStoreIsLinearizable(t *testing.T) {
	for seed := range uint64(8) {
		for _, bare := range []bool{false, true} {
			operations := history(t, seed, fakekinesis.TableOptions{Bare: bare, Lag: time.Second}, asItIs, direct)
			require.Greater(t, len(operations), 200)
			require.True(t, leasetest.Linear(operations), "seed %d", seed)
		}
	}
}

// The check finds what it is there for: stores that are broken in one place each.
func TestBrokenStoresAreNotLinearizable(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(lease.Store) lease.Store
		way   func(http.RoundTripper) http.RoundTripper
	}{
		"changes without the fence":     {func(s lease.Store) lease.Store { return unfenced{s} }, direct},
		"reads that are not consistent": {asItIs, func(next http.RoundTripper) http.RoundTripper { return lagging{next} }},
		"every failure as a conflict":   {func(s lease.Store) lease.Store { return sure{s} }, direct},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				if !leasetest.Linear(history(t, seed, fakekinesis.TableOptions{Lag: time.Second}, c.spoil, c.way)) {
					return
				}
			}
			t.Fatal("no history gave it away")
		})
	}
}

// unfenced forgets the counter.
type unfenced struct{ lease.Store }

func (s unfenced) Update(ctx context.Context, key string, c lease.Change) (lease.Row, error) {
	c.Counter, c.Owner = nil, nil
	return s.Store.Update(ctx, key, c)
}

// sure takes every failure for a conflict.
type sure struct{ lease.Store }

func (s sure) Update(ctx context.Context, key string, c lease.Change) (lease.Row, error) {
	r, err := s.Store.Update(ctx, key, c)
	if err != nil {
		err = lease.ErrConflict
	}
	return r, err
}

// lagging takes the consistency out of requests.
type lagging struct{ next http.RoundTripper }

func (l lagging) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte(`"ConsistentRead":true`), []byte(`"ConsistentRead":false`), 1)
	plain := *r
	plain.Body = io.NopCloser(bytes.NewReader(body))
	return l.next.RoundTrip(&plain)
}
