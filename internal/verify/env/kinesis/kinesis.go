// Package kinesis is the Kinesis adapter on the fake services of internal/fakekinesis as an environment: the services, the
// SDK's clients and what is between them live in one testing/synctest bubble, with virtual time. A history is not the
// seed's alone, since the SDK and the adapter have randomness of their own.
package kinesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// Services opens a Kinesis and a DynamoDB. How the adapter is configured, and how far what the services tell is behind what
// is, comes from the seed.
type Services struct {
	Seed   uint64
	Change func(*kinesis.Config) // of a mutant; nil: none
}

const (
	failover = time.Second     // of leases: the least that is allowed
	lag      = 2 * time.Second // of listings, at most
)

// style is how the seed has the adapter configured.
func (v Services) style() int { return int(v.Seed % 5) }

// tagged reports whether records may have headers and the like.
func (v Services) tagged() bool { return v.style() == 1 }

// shared reports whether the table may be KCL's too: then nobody is asked before a lease is taken.
func (v Services) shared() bool { return v.style() == 3 }

// Choices are what the services can be made to do. Retention is not among them: it takes a day, and nothing but time tells
// a reader of it; package lineage has a model of it.
func (Services) Choices() []fault.Choice {
	written := []string{"PutRecords", "PutRecord", "UpdateItem", "PutItem"}
	asked := append([]string{"GetRecords", "GetShardIterator", "ListShards", "Scan", "GetItem", "SubscribeToShard"}, written...)
	late := []string{"UpdateItem+later", "PutRecords+later", "PutItem+later"}
	return []fault.Choice{
		{Kind: fault.Crash, Most: 7},
		{Kind: fault.Pause, Targets: []string{"200ms", "900ms", "1500ms", "3s"}, Most: 7},
		{Kind: fault.Expel, Most: 7},
		{Kind: fault.Join, Steps: 2},
		{Kind: fault.Leave, Most: 7},
		{Kind: fault.Split, Most: 7},
		{Kind: fault.Merge, Most: 7},
		{Kind: fault.Refuse, Targets: codes, Most: 6},
		{Kind: fault.Lose, Targets: written, Most: 6},
		{Kind: fault.Late, Targets: append(late, asked...), Most: 6},
		{Kind: fault.Cut, Targets: asked, Most: 6},
	}
}

// Traits are a Kinesis stream's.
func (v Services) Traits() env.Traits {
	return env.Traits{
		Headers: v.tagged(), Tombstones: v.tagged(), NilKeys: v.tagged(), EventTime: v.tagged(),
		RecordBytes: 1<<20 - 512, Clock: 2 * time.Second, Steals: v.shared(),
		Level: check.Level{KeyOrder: true, Fencing: true, QuietIn: 20 * time.Second},
	}
}

// Open makes the services and opens the adapter on them.
func (v Services) Open(ctx context.Context, s env.Settings) (env.Env, error) {
	f := fakekinesis.Config{Seed: s.Seed, Settling: 50 * time.Millisecond}
	if s.Seed%3 == 0 {
		f.Lag, f.Gaps, f.Jitter = lag, 0.2, 20*time.Millisecond
	}
	e := &service{
		Server: fakekinesis.New(f), layouts: map[string][]string{}, all: map[string][]string{}, saved: map[string]stream.Position{},
		tables: fakekinesis.NewTables(fakekinesis.TableOptions{Seed: s.Seed, PageItems: 3, Bare: s.Seed%2 == 0, Lag: time.Second}),
	}
	for _, config := range s.Streams {
		if err := e.Create(config.Name, config.Partitions); err != nil {
			return nil, err
		}
		open, err := e.OpenShards(config.Name)
		if err != nil {
			return nil, err
		}
		e.layouts[config.Name], e.all[config.Name] = open, slices.Clone(open)
	}
	inner, err := kinesis.Open(ctx, v.config(e))
	if err != nil {
		return nil, err
	}
	e.inner, e.outer = inner, inner
	if s.Wrap != nil {
		e.outer = s.Wrap(inner)
	}
	return e, nil
}

// config is the adapter's. The addresses are never dialled.
func (v Services) config(e *service) kinesis.Config {
	c := kinesis.Config{
		Region: "us-east-1", Endpoint: "http://127.0.0.1:1", TableEndpoint: "http://127.0.0.1:1", HTTP: wires{e},
		CreateTable: true, Failover: failover, PollEvery: 200 * time.Millisecond, SyncEvery: time.Second, ListingLag: lag + time.Second,
		PutTimeout: time.Second, RequestTimeout: time.Second,
	}
	switch v.style() {
	case 1:
		c.Tags, c.Aggregation = true, kinesis.SameKey
	case 2:
		c.FanOut = "us"
	case 3:
		c.Shared = true
	case 4:
		c.Mode = kinesis.Strict
	}
	if v.Change != nil {
		v.Change(&c)
	}
	return c
}

// service is one pair of services in one bubble.
type service struct {
	*fakekinesis.Server
	tables *fakekinesis.Tables
	inner  *kinesis.Backend
	outer  stream.Backend
	pauses sync.WaitGroup

	mu      sync.Mutex                 // guards what follows
	layouts map[string][]string        // the open shards of a stream, neighbours beside each other
	all     map[string][]string        // all shards of a stream that ever were
	saved   map[string]stream.Position // the last position in a row, by table and key
	paused  []pause
	late    bool // a record may be stored after its producer was told that it may not be
}

// A pause is of one member.
type pause struct {
	member string
	over   chan struct{}
}

func (e *service) Backend() stream.Backend { return e.outer }

// Partitions are all that ever were.
func (e *service) Partitions(name string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all[name])
}

// Saved is the last position that the row had: a row at the end of its shard no longer has one.
func (e *service) Saved(_ context.Context, group, name, shard string) (stream.Position, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.saved[table(group, name)+"/"+shard], nil
}

// table is the adapter's default.
func table(group, name string) string { return group + "-" + name }

// look remembers the positions of a table's rows.
func (e *service) look(name string) {
	for key, item := range e.tables.Items(name) {
		text := item["checkpoint"].Text()
		if sub := item["checkpointSubSequenceNumber"].Text(); sub != "" && sub != "0" {
			text += "." + sub
		}
		var at stream.Position
		if at.UnmarshalText([]byte(text)) != nil {
			continue // TRIM_HORIZON, SHARD_END
		}
		e.mu.Lock()
		e.saved[name+"/"+key] = at
		e.mu.Unlock()
	}
}

// Heal ends what has not happened yet, and lets everybody go on. What arrives late has arrived when it returns: from then
// on nothing is stored but by producers.
func (e *service) Heal() {
	e.Script().Clear()
	e.tables.Script().Clear()
	e.mu.Lock()
	paused, late := e.paused, e.late
	e.paused, e.late = nil, false
	e.mu.Unlock()
	for _, p := range paused {
		close(p.over)
	}
	if late {
		time.Sleep(latest)
	}
}

// Close ends everything.
func (e *service) Close() error {
	e.Heal()
	e.pauses.Wait()
	err := errors.Join(e.outer.Close(), e.inner.Close())
	if err != nil {
		return fmt.Errorf("close the adapter: %w", err)
	}
	return nil
}
