package lineage_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A stub is a stream that stands still. It tells what a test puts into it.
type stub struct {
	api.Service // the rest is not called
	table       *lease.Memory

	mu      sync.Mutex // guards what follows
	shards  []shard.Shard
	created time.Time
	asked   int // listings
	lost    []lineage.Loss
}

const day = 24 * time.Hour

func (s *stub) Summary(context.Context, string) (api.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return api.Summary{Created: s.created, Retention: day}, nil
}

func (s *stub) Shards(context.Context, string, api.Filter) (api.Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return api.Listing{Shards: s.shards, Date: time.Now()}, nil
}

func (s *stub) Iterator(_ context.Context, _, id string, _ api.From) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.shards {
		if sh.ID == id {
			return "i", nil
		}
	}
	return "", &api.Error{Op: "GetShardIterator", Code: api.Missing, Status: 400}
}

func (s *stub) list(shards ...shard.Shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards = shards
}

func (s *stub) open(t *testing.T, start stream.Start) *lineage.Syncer {
	t.Helper()
	y, err := s.try(start)
	require.NoError(t, err)
	return y
}

func (s *stub) try(start stream.Start) (*lineage.Syncer, error) {
	return lineage.Open(context.Background(), lineage.Config{
		Service: s, Store: s.table, Stream: "s", Start: start, ListingLag: 30 * time.Second, SyncEvery: time.Minute,
		Report: func(l lineage.Loss) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lost = append(s.lost, l)
		},
		Logger: slog.New(slog.DiscardHandler),
	})
}

func (s *stub) row(t *testing.T, id string) lease.Row {
	t.Helper()
	r, has, err := s.table.Get(context.Background(), id)
	require.NoError(t, err)
	require.True(t, has, id)
	return r
}

// A kept lease is held without a rival.
type kept struct {
	*stub
	id string
}

func (k kept) Row() lease.Row {
	r, _, _ := k.table.Get(context.Background(), k.id)
	return r
}

func (k kept) Update(ctx context.Context, c lease.Change) (lease.Row, error) {
	return k.table.Update(ctx, k.id, c)
}

// Shards by number: the whole space, and halves of it.
const (
	zero  = lineage.Anchor
	one   = "shardId-000000000001"
	two   = "shardId-000000000002"
	three = "shardId-000000000003"
	four  = "shardId-000000000004"
)

var (
	half       = shard.Hash{High: 1 << 63}
	belowHalf  = shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}
	lowerHalf  = shard.Range{Last: belowHalf}
	upperHalf  = shard.Range{First: half, Last: shard.Whole().Last}
	listedZero = shard.Shard{ID: zero, Range: shard.Whole()}
)

// split is shard 0 that was split into 1 and 2.
func split() []shard.Shard {
	closed := listedZero
	closed.Closed = true
	return []shard.Shard{closed, {ID: one, Parent: zero, Range: lowerHalf}, {ID: two, Parent: zero, Range: upperHalf}}
}

// merged is 3, which shards 1 and 2 became; nothing else is told.
func merged() shard.Shard {
	return shard.Shard{ID: three, Parent: one, Adjacent: two, Range: shard.Whole()}
}
