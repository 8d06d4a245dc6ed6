package consumer_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/internal/handles"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/kinesis/internal/consumer"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// name is the stream of most tests.
const name = "orders"

// A world is a service with one stream, tables in memory, and the sources that a test opens.
type world struct {
	*testing.T
	ctx     context.Context
	server  *fakekinesis.Server
	service api.Service
	set     settings.Settings
	deps    consumer.Deps
	sources handles.Members

	mu     sync.Mutex // guards what follows
	tables map[string]*lease.Memory
	events []stream.Event
	faults func(lease.Call) lease.Fault
	number int
}

// run runs a test in a bubble on a stream with so many shards.
func run(t *testing.T, shards int, test func(w *world)) {
	t.Helper()
	runOn(t, fakekinesis.Config{Seed: 1}, shards, test)
}

// runOn is run on a service of its own kind.
func runOn(t *testing.T, c fakekinesis.Config, shards int, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, ctx: t.Context(), server: fakekinesis.New(c), tables: map[string]*lease.Memory{}}
		w.service = awskinesis.New(awskinesis.Config{
			AWS:  aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")},
			HTTP: w.server.RoundTripper(),
		})
		w.set = settings.Settings{
			Logger: slog.New(slog.DiscardHandler), Failover: 10 * time.Second, LeaseTable: "{group}-{stream}", CreateTable: true,
			GoOnly: true, PollEvery: time.Second, PollLimit: 10_000, PollShare: 1, BufferBytes: 8 << 20, SyncEvery: time.Minute,
			ListingLag: 30 * time.Second, RequestTimeout: 10 * time.Second,
		}
		w.deps = consumer.Deps{Service: w.service, Store: w.store, Known: w.known, Sources: &w.sources}
		require.NoError(t, w.server.Create(name, shards))
		defer w.end()
		test(w)
	})
}

// end closes what is open.
func (w *world) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.sources.Close(ctx); err != nil {
		w.Error(err)
	}
	for _, table := range w.tables {
		table.Wait()
	}
}

func (w *world) store(_ context.Context, table string, create bool) (lease.Store, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tables[table] == nil {
		if !create {
			return nil, stream.ErrNotFound
		}
		w.tables[table] = lease.NewMemory()
	}
	return w.tables[table].Way("", func(c lease.Call) lease.Fault {
		w.mu.Lock()
		faults := w.faults
		w.mu.Unlock()
		if faults == nil {
			return lease.Fault{}
		}
		return faults(c)
	}), nil
}

func (w *world) known(stream string) (api.Summary, bool) {
	sum, err := w.service.Summary(context.Background(), stream)
	return sum, err == nil
}

// rows is the lease table of a group.
func (w *world) rows(group string) map[string]lease.Row {
	w.mu.Lock()
	table := w.tables[group+"-"+name]
	w.mu.Unlock()
	all, err := table.Scan(context.Background())
	require.NoError(w, err)
	rows := map[string]lease.Row{}
	for _, r := range all {
		rows[r.Key] = r
	}
	return rows
}

// config is that of a new member.
func (w *world) config(group string) stream.SourceConfig {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	return stream.SourceConfig{
		Group: group, Member: fmt.Sprintf("member-%d", w.number), Streams: []string{name}, Expired: stream.ExpiredFail,
		Grace: 20 * time.Second, Observe: w.observe, Logger: slog.New(slog.DiscardHandler),
	}
}

func (w *world) observe(e stream.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// told are the events of a kind.
func (w *world) told(kind string) []stream.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events), func(e stream.Event) bool { return e.Kind != kind })
}

// open opens a source.
func (w *world) open(c stream.SourceConfig) *consumer.Source {
	s, err := consumer.New(w.ctx, w.deps, w.set, c)
	require.NoError(w, err)
	return s
}

// next takes the next claim.
func (w *world) next(s stream.Source) stream.Claim {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Minute)
	defer cancel()
	c, err := s.Next(ctx)
	require.NoError(w, err, "Next")
	return c
}

// noNext checks that nothing is granted for a while.
func (w *world) noNext(s stream.Source, d time.Duration) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, d)
	defer cancel()
	c, err := s.Next(ctx)
	if err == nil {
		require.Fail(w, "granted", "%s", c.Hold().Partition)
	}
	require.ErrorIs(w, err, context.DeadlineExceeded)
}

// put stores records with this key, one after another.
func (w *world) put(key string, values ...string) {
	for _, v := range values {
		_, err := w.service.PutRecord(w.ctx, name, api.Entry{Key: key, Data: []byte(v)}, "")
		require.NoError(w, err)
	}
}

// take fetches n records.
func (w *world) take(c stream.Claim, n int) []stream.Record {
	w.Helper()
	var recs []stream.Record
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Minute)
	defer cancel()
	for len(recs) < n {
		into := make([]stream.Record, n-len(recs))
		got, err := c.Fetch(ctx, into)
		require.NoError(w, err, "after %d records", len(recs))
		recs = append(recs, into[:got]...)
	}
	return recs
}

// drain fetches up to the end.
func (w *world) drain(c stream.Claim) []stream.Record {
	w.Helper()
	var recs []stream.Record
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Minute)
	defer cancel()
	for {
		into := make([]stream.Record, 100)
		n, err := c.Fetch(ctx, into)
		recs = append(recs, into[:n]...)
		if errors.Is(err, io.EOF) {
			return recs
		}
		require.NoError(w, err)
	}
}

// nothing checks that no record comes for a while.
func (w *world) nothing(c stream.Claim, d time.Duration) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, d)
	defer cancel()
	into := make([]stream.Record, 10)
	n, err := c.Fetch(ctx, into)
	require.ErrorIs(w, err, context.DeadlineExceeded)
	require.Zero(w, n)
}

func (w *world) save(c stream.Claim, rec stream.Record) {
	w.Helper()
	require.NoError(w, c.Checkpoint(w.ctx, stream.Checkpoint{Position: rec.Position}))
}

func (w *world) release(c stream.Claim, finished bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	require.NoError(w, c.Release(ctx, finished))
}

func (w *world) close(s *consumer.Source) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	require.NoError(w, s.Close(ctx))
}

// values are the values of records.
func values(recs []stream.Record) []string {
	var all []string
	for _, r := range recs {
		all = append(all, string(r.Value))
	}
	return all
}

// aggregateOf seals a message as an aggregate.
func aggregateOf(message []byte) []byte {
	sum := md5.Sum(message)
	return slices.Concat([]byte("\xf3\x89\x9a\xc2"), message, sum[:])
}
