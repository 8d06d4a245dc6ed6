package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Simulate opens the simulator as it stands for c: see Config.Simulate. The caller closes the backend. Streams are made by
// stream.EnsureStream.
func Simulate(c Config, seed uint64) (*memory.Backend, error) {
	m, err := c.Simulate(seed)
	if err != nil {
		return nil, err
	}
	return memory.Open(context.Background(), m)
}

// Simulate checks c as Open does, without any I/O, and returns the configuration of a simulator with the capabilities that
// c would have on a provisioned stream: Tags carry headers and the like there as well, Unordered takes KeyOrder away and
// Static takes Groups and Fencing.
func (c Config) Simulate(seed uint64) (memory.Config, error) {
	s, err := c.settings()
	if err != nil {
		return memory.Config{}, &stream.Error{Op: "simulate", Err: err}
	}
	m := memory.Config{Profile: memory.Kinesis, Seed: seed, Session: s.Failover, Tags: s.Tags}
	if s.Mode == settings.Unordered || s.LeaseTable == "" {
		m.Like, err = lessened(s)
	}
	if err != nil {
		err = &stream.Error{Op: "simulate", Err: err}
	}
	return m, err
}

// lessened are the simulator's own capabilities as Kinesis, without what s gives up.
func lessened(s settings.Settings) (*stream.Capabilities, error) {
	const name = "any"
	ctx := context.Background()
	b, err := memory.Open(ctx, memory.Config{
		Profile: memory.Kinesis, Tags: s.Tags, Streams: []stream.StreamConfig{{Name: name}},
	})
	if err != nil {
		return nil, err
	}
	have, err := b.Capabilities(ctx, name)
	if err := errors.Join(err, b.Close()); err != nil {
		return nil, err
	}
	without := func(f *stream.Flag, why string) { f.Support, f.Reason = stream.None, why }
	if s.Mode == settings.Unordered {
		without(&have.KeyOrder, fmt.Sprintf("the mode is %s", Unordered))
	}
	if s.LeaseTable == "" {
		const why = "Config.Static reads without leases"
		without(&have.Groups, why)
		without(&have.Fencing, why)
	}
	return &have, nil
}
