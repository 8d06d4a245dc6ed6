// Package mem is package memory as an environment: in a testing/synctest bubble, with virtual time.
package mem

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Session is after what silence a member is taken for dead, short so that runs are. Times are multiples of 1,024 ns: see
// memory.Config.Replay.
const Session = 100_000 * 1024 * time.Nanosecond

// Profile is one profile of package memory.
type Profile struct {
	memory.Profile
	Change func(*memory.Config)  // of a mutant; nil: none
	Opened func(*memory.Backend) // likewise
}

// Choices are the controls of package memory, and faults of its calls.
func (p Profile) Choices() []fault.Choice {
	calls := []string{"append", "fetch", "next", "checkpoint", "release", "open"}
	if p.Profile == memory.Kafka {
		calls = append(calls, "begin", "commit", "abort")
	}
	answers := calls[:4]
	all := []fault.Choice{
		{Kind: fault.Crash, Most: 7},
		{Kind: fault.Pause, Targets: []string{"20ms", "90ms", "150ms", "300ms"}, Most: 7},
		{Kind: fault.Expel, Most: 7},
		{Kind: fault.Rebalance},
		{Kind: fault.Join, Steps: 2},
		{Kind: fault.Leave, Most: 7},
		{Kind: fault.Trim, Targets: []string{"half", "all"}, Most: 7},
		{Kind: fault.Refuse, Targets: append(calls, fault.CheckpointerAcquire, fault.CheckpointerSave), Most: 6},
		{Kind: fault.Lose, Targets: append(answers, fault.CheckpointerAcquire, fault.CheckpointerSave), Most: 6},
		{Kind: fault.Late, Targets: answers, Most: 6},
		{Kind: fault.Rate, Targets: []string{"LoseAck", "Throttle", "FailEntry", "Delay"}, Most: 150},
	}
	if p.Profile == memory.Kafka {
		return append(all, fault.Choice{Kind: fault.Grow, Steps: 2},
			fault.Choice{Kind: fault.Rate, Targets: []string{"LoseCommit"}, Most: 150})
	}
	return append(all,
		fault.Choice{Kind: fault.Split, Most: 7},
		fault.Choice{Kind: fault.Merge, Most: 7})
}

// Traits are those that the profile declares. A test compares them with its Capabilities.
func (p Profile) Traits() env.Traits {
	kafka := p.Profile == memory.Kafka
	return env.Traits{
		Headers: kafka, Tombstones: kafka, NilKeys: kafka, EventTime: kafka, Transactions: kafka,
		RecordBytes: 1<<20 - 256,
		Level:       check.Level{KeyOrder: true, Fencing: true, Idempotent: kafka},
	}
}

// Open opens a backend of the profile.
func (p Profile) Open(ctx context.Context, s env.Settings) (env.Env, error) {
	e := &service{calls: &memory.Script{}, layouts: map[string][]string{}}
	c := memory.Config{
		Profile: p.Profile, Seed: s.Seed, Streams: s.Streams, Replay: s.Replay, Script: e.calls, NoRateLimits: p.Profile == memory.Kinesis,
		Session: Session, TxTimeout: 2 * Session,
	}
	if c.Profile == memory.Kafka {
		c.NoRateLimits = false
	}
	for _, step := range s.Script {
		if step.Kind == fault.Rate {
			setRate(&c.Faults, step.Target, float64(step.Arg)/1000)
		}
	}
	c.Faults.MaxDelay = 30_000 * 1024 * time.Nanosecond
	if p.Change != nil {
		p.Change(&c)
	}
	b, err := memory.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if p.Opened != nil {
		p.Opened(b)
	}
	e.inner, e.outer = b, b
	if s.Wrap != nil {
		e.outer = s.Wrap(b)
	}
	for _, config := range s.Streams {
		e.layouts[config.Name] = b.Partitions(config.Name)
	}
	return e, nil
}

func setRate(f *memory.Faults, name string, rate float64) {
	fields := map[string]*float64{
		"LoseAck": &f.LoseAck, "Throttle": &f.Throttle, "FailEntry": &f.FailEntry, "Delay": &f.Delay,
		"LoseCommit": &f.LoseCommit,
	}
	if field := fields[name]; field != nil {
		*field = rate
	}
}

// service is one backend in one bubble.
type service struct {
	inner *memory.Backend
	outer stream.Backend
	calls *memory.Script

	mu      sync.Mutex          // guards what follows
	layouts map[string][]string // the open partitions of a stream, neighbours beside each other
	paused  []pause
	resumes sync.WaitGroup
}

// A pause is of one member.
type pause struct{ group, member string }

func (e *service) Backend() stream.Backend { return e.outer }

func (e *service) Partitions(name string) []string { return e.inner.Partitions(name) }

func (e *service) Saved(_ context.Context, group, name, partition string) (stream.Position, error) {
	return e.inner.Checkpoint(group, name, partition).Position, nil
}

// Heal lets everybody go on.
func (e *service) Heal() {
	e.mu.Lock()
	paused := slices.Clone(e.paused)
	e.mu.Unlock()
	for _, p := range paused {
		e.resume(p)
	}
}

func (e *service) resume(p pause) {
	_ = e.inner.Resume(p.group, p.member) // it may have died meanwhile
}

// Close waits for pauses that are to end by themselves.
func (e *service) Close() error {
	e.resumes.Wait()
	return errors.Join(e.outer.Close(), e.inner.Close())
}
