package memory

import (
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// Config says which service to simulate and how. The zero Config works: profile Strict, no streams, no faults.
type Config struct {
	Profile Profile              // default Strict
	Like    *stream.Capabilities // behave like this probed stream instead; its values replace the profile's

	Seed    uint64                // drives every choice and every random fault
	Streams []stream.StreamConfig // made by Open, as by EnsureStream

	Partitions int // of a stream whose configuration names none; default 4, at most 10,000

	PartitionBytes int64 // Kafka: the oldest records of a partition go when it holds more; default no limit

	Assignment Assignment    // how partitions move between members; default the profile's
	Session    time.Duration // after what silence a member is taken for dead; default: Kafka 45 s, else 10 s
	TxTimeout  time.Duration // after what time an open transaction is aborted; default 60 s

	Tags         bool // Kinesis: headers, tombstones, event time and any keys ride in tags of an aggregate
	NoRateLimits bool // Kinesis: partitions take records at any rate
	ReadLimits   bool // Kinesis: reads are held to 5 calls and 2 MiB a second and partition

	Faults Faults  // random faults; default none
	Script *Script `json:"-" yaml:"-"` // scripted faults; default none

	Replay bool // for testing/synctest: every call first sleeps a seeded virtual time of 1 ns to 3 ms
}

// An Assignment is a way in which partitions move when members of a group come and go. In text and configuration it is
// "", "cooperative" or "eager".
type Assignment string

// The ways of moving partitions.
const (
	ByProfile   Assignment = ""            // eager on Strict, cooperative elsewhere
	Cooperative Assignment = "cooperative" // only the partitions that move are asked back
	Eager       Assignment = "eager"       // all are asked back and granted anew
)

// Bounds and defaults of a Config.
const (
	defaultPartitions = 4
	maxPartitions     = 10_000
	defaultTxTimeout  = time.Minute
)

// Simulate returns c itself with another seed: memory's own configuration is already one for the simulator. It has the
// form that the configurations of the real backends have.
func (c Config) Simulate(seed uint64) (Config, error) {
	c.Seed = seed
	return c, c.check()
}

// check reports every mistake at once.
func (c Config) check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{stream.ErrInvalid}, args...)...))
	}
	if int(c.Profile) >= len(profileNames) {
		bad("%v", c.Profile)
	}
	if c.Partitions < 0 || c.Partitions > maxPartitions {
		bad("%d partitions, allowed are 0 (the default) to %d", c.Partitions, maxPartitions)
	}
	switch c.Assignment {
	case ByProfile, Cooperative, Eager:
	default:
		bad("assignment %.40q is none of cooperative and eager", string(c.Assignment))
	}
	if c.Session < 0 {
		bad("a session of %v", c.Session)
	}
	if c.PartitionBytes < 0 {
		bad("partitions of %d bytes", c.PartitionBytes)
	}
	if c.PartitionBytes > 0 && c.Profile != Kafka {
		bad("PartitionBytes is of the profile kafka, not of %v", c.Profile)
	}
	if c.TxTimeout < 0 {
		bad("a transaction timeout of %v", c.TxTimeout)
	}
	if c.Like == nil && c.Profile != Kinesis {
		if c.Tags {
			bad("tags are of the profile kinesis, not of %v", c.Profile)
		}
		if c.ReadLimits {
			bad("read limits are of the profile kinesis, not of %v", c.Profile)
		}
	}
	return errors.Join(append(errs, c.Faults.check())...)
}

// traits returns the profile's traits with what the configuration changes.
func (c Config) traits() (traits, error) {
	t := c.Profile.traits()
	if c.Like != nil {
		var err error
		if t, err = like(c.Profile, *c.Like); err != nil {
			return t, err
		}
	}
	if c.Tags {
		t.headers, t.tombstones, t.eventTime, t.nilKeys, t.binaryKeys, t.tagged = true, true, true, true, true, true
	}
	if c.NoRateLimits {
		t.refuses = false
	}
	switch c.Assignment {
	case Cooperative:
		t.eager = false
	case Eager:
		t.eager = true
	}
	if c.Session > 0 {
		t.session = c.Session
	}
	return t, nil
}
