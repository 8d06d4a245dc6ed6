//go:build servers

package kinesis_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/internal/httpfault"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// lines are one backend's way to the emulators: proxies of its own, which do harm to nobody else.
type lines struct {
	streams, tables *httpfault.Proxy

	mu     sync.Mutex // guards what follows
	paused map[string]*httpfault.Fault
}

// lines opens a way. It is closed when the test is over, after what is opened later.
func (e *emulators) lines(t testing.TB, seed uint64) *lines {
	streams, err := httpfault.Listen(e.streams.Endpoint(), seed)
	require.NoError(t, err)
	t.Cleanup(streams.Close)
	tables, err := httpfault.Listen(e.tables.Endpoint(), seed)
	require.NoError(t, err)
	t.Cleanup(tables.Close)
	return &lines{streams: streams, tables: tables, paused: map[string]*httpfault.Fault{}}
}

// config goes over the lines, with leases that fail over fast.
func (l *lines) config() kinesis.Config {
	return kinesis.Config{
		Endpoint: l.streams.Endpoint(), TableEndpoint: l.tables.Endpoint(), CreateTable: true, Failover: failover,
		PollEvery: 500 * time.Millisecond, SyncEvery: time.Second, ListingLag: time.Second, ProbeEvery: time.Second,
		BufferBytes: 1 << 20, // readers can be overtaken
		// The emulator has one thread. What it has not answered yet is not asked again, or it never comes to an end.
		PutTimeout: 25 * time.Second, RequestTimeout: time.Minute,
	}
}

// sever takes the backend off the network until heal is called.
func (l *lines) sever() (heal func(), err error) {
	one, other := l.streams.Set(httpfault.Rule{Kind: httpfault.Reset}), l.tables.Set(httpfault.Rule{Kind: httpfault.Reset})
	return func() {
		one.Remove()
		other.Remove()
	}, nil
}

// pause stops a member's writes to its leases: what SIGSTOP would do to them.
func (l *lines) pause(_, member string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.paused[member] == nil {
		l.paused[member] = l.tables.Set(httpfault.Rule{
			Kind: httpfault.Hold, Match: func(body []byte) bool { return fakekinesis.MemberOf(body) == member },
		})
	}
	return nil
}

// resume lets them go on.
func (l *lines) resume(_, member string) error {
	l.mu.Lock()
	fault := l.paused[member]
	delete(l.paused, member)
	l.mu.Unlock()
	if fault != nil {
		fault.Remove()
	}
	return nil
}

// plague has the services refuse, lose and delay now and then what is asked of them.
func (l *lines) plague() {
	for _, r := range []httpfault.Rule{
		{Ops: []string{"PutRecords"}, Chance: 0.1, Kind: httpfault.FailEntries, Share: 0.3},
		{Ops: []string{"PutRecords"}, Chance: 0.05, Kind: httpfault.FailEntries, Share: 0.3, Code: httpfault.Internal},
		{Ops: []string{"PutRecords", "PutRecord"}, Chance: 0.05, Kind: httpfault.Lose},
		{Ops: []string{"PutRecords"}, Chance: 0.05, Kind: httpfault.Refuse},
		{Ops: []string{"PutRecord", "GetRecords"}, Chance: 0.1, Kind: httpfault.Refuse, Code: httpfault.Throughput},
	} {
		l.streams.Set(r)
	}
	l.tables.Set(httpfault.Rule{
		Ops: []string{"UpdateItem"}, Chance: 0.05, Kind: httpfault.Refuse, Code: httpfault.Throughput,
	})
	l.tables.Set(httpfault.Rule{Ops: []string{"UpdateItem"}, Chance: 0.05, Kind: httpfault.Lose})
}

// harness gives the suite all that can be done to the emulators. They neither trim nor let time pass.
func (e *emulators) harness(t testing.TB, change func(*kinesis.Config)) streamtest.Harness {
	l := e.lines(t, 1)
	config := func(l *lines) kinesis.Config {
		c := l.config()
		change(&c)
		return c
	}
	within := func() context.Context { return context.WithoutCancel(t.Context()) } // also where the test is over
	return streamtest.Harness{
		Backend: openConfig(t, config(l)), Parallel: sideBySide,
		Pause: l.pause, Resume: l.resume, Cut: l.sever,
		Expel: func(group, member string) error { return e.expel(within(), group, member) },
		Split: func(name, shard string) error { return e.split(within(), name, shard) },
		Merge: func(name, left, right string) error { return e.merge(within(), name, left, right) },
		Grow:  func(name string, shards int) error { return e.grow(within(), name, shards) },
		Trouble: func(t testing.TB) stream.Backend {
			l := e.lines(t, 2)
			l.plague()
			return openConfig(t, config(l))
		},
		Reopen: func(ctx context.Context) (stream.Backend, error) { return kinesis.Open(ctx, config(l)) },
	}
}

// sideBySide is how many rules are tried at a time: most of their time is waiting, but an emulator has one thread.
const sideBySide = 3
