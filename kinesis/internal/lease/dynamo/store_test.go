package dynamo_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/lease/leasetest"
	"github.com/streamport-go/streamport/stream"
)

const (
	table = "group-stream"
	key   = "shardId-000000000007"
)

// client is the SDK's on a fake.
func client(trip http.RoundTripper) *dynamodb.Client {
	config := aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(dummy)}
	return dynamo.NewClient(config, "http://dynamodb.invalid", trip)
}

func dummy(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
}

// open is a new table on a fake.
func open(t *testing.T, fake *fakekinesis.Tables) *dynamo.Store {
	t.Helper()
	s, err := dynamo.Open(t.Context(), client(fake), table, true)
	require.NoError(t, err)
	return s
}

func TestStoreKeepsThePromises(t *testing.T) {
	for name, o := range map[string]fakekinesis.TableOptions{
		"as documented":                 {Seed: 1},
		"with pages of three":           {Seed: 2, PageItems: 3},
		"with pages of a kilobyte":      {Seed: 3, PageBytes: 1 << 10},
		"without the item of a refusal": {Seed: 4, Bare: true},
		"with reads that lag":           {Seed: 5, Lag: 1 << 40},
	} {
		t.Run(name, func(t *testing.T) {
			leasetest.InBubbles(t, func(t *testing.T) lease.Store { return open(t, fakekinesis.NewTables(o)) })
		})
	}
}

// create writes a row that must not be there yet.
func create(t *testing.T, s *dynamo.Store, r lease.Row) {
	t.Helper()
	made, err := s.Create(t.Context(), r)
	require.NoError(t, err)
	require.True(t, made)
}

func to[T any](v T) *T { return &v }

func TestWhatCanBeNoLeaseIsNotWritten(t *testing.T) {
	s := open(t, fakekinesis.NewTables(fakekinesis.TableOptions{}))
	plain := func() lease.Row { return lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest} }
	create(t, s, plain())
	for name, spoil := range map[string]func(*lease.Row){
		"no key":              func(r *lease.Row) { r.Key = "" },
		"another stream's":    func(r *lease.Row) { r.Key = "1:stream:2:shardId-000000000000" },
		"no checkpoint":       func(r *lease.Row) { r.Checkpoint = "" },
		"a word of nobody":    func(r *lease.Row) { r.Checkpoint = "OLDEST" },
		"a negative index":    func(r *lease.Row) { r.Sub = -1 },
		"an index too high":   func(r *lease.Row) { r.Checkpoint, r.Sub = "7", 1<<32 },
		"a range outside":     func(r *lease.Row) { r.Last = "340282366920938463463374607431768211456" },
		"a parent of no name": func(r *lease.Row) { r.Parents = []string{""} },
		"a prepared one":      func(r *lease.Row) { r.Pending = true },
	} {
		bad := plain()
		bad.Key = "shardId-000000000008"
		spoil(&bad)
		_, err := s.Create(t.Context(), bad)
		require.ErrorIs(t, err, stream.ErrInvalid, name)
	}
	large := plain()
	large.Key, large.Own.Has, large.Own.State = "shardId-000000000008", true, make([]byte, dynamo.MaxState+1)
	_, err := s.Create(t.Context(), large)
	require.ErrorIs(t, err, stream.ErrTooLarge)

	for name, bad := range map[string]lease.Change{
		"no checkpoint":   {Checkpoint: to("")},
		"a word":          {Checkpoint: to("NEWEST")},
		"an index":        {Checkpoint: to("7"), Sub: -1},
		"two of switches": {Checkpoint: to("7"), AddSwitch: true},
		"a range":         {First: to("-1")},
		"a child":         {Children: []string{""}},
	} {
		_, err := s.Update(t.Context(), key, bad)
		require.ErrorIs(t, err, stream.ErrInvalid, name)
	}
	_, err = s.Update(t.Context(), key, lease.Change{State: to(make([]byte, dynamo.MaxState+1))})
	require.ErrorIs(t, err, stream.ErrTooLarge)
	got, _, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, plain(), got)
}

func TestOnlyTheOperationsOfLeasesAreUsed(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	leasetest.Run(t, func(t *testing.T) lease.Store {
		for key := range fake.Items(table) {
			fake.Remove(table, key)
		}
		return open(t, fake)
	})
	ops := slices.Sorted(maps.Keys(fake.Ops()))
	require.Equal(t, []string{"CreateTable", "DeleteItem", "DescribeTable", "GetItem", "PutItem", "Scan", "UpdateItem"}, ops)
}
