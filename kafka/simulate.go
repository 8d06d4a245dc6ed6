package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
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

// Simulate checks c as Open does, without dialling, and returns the configuration of a simulator with the capabilities
// that c would have on brokers with their usual configuration: less than all replicas to acknowledge, or no idempotence,
// takes IdempotentProduce and Transactions away there as well, and several requests in flight then KeyOrder. Server
// assignment is simulated as Cooperative.
func (c Config) Simulate(seed uint64) (memory.Config, error) {
	return SimulateEngine(c, seed, franz.Driver{})
}

// SimulateEngine is Config.Simulate through another client library: what that cannot do, the simulator cannot either.
func SimulateEngine(c Config, seed uint64, d engine.Driver) (memory.Config, error) {
	m, err := c.simulate(seed, d)
	if err != nil {
		return memory.Config{}, &stream.Error{Op: "simulate", Err: err}
	}
	return m, nil
}

func (c Config) simulate(seed uint64, d engine.Driver) (memory.Config, error) {
	s, err := c.check(d)
	if err != nil {
		return memory.Config{}, err
	}
	can, err := abilities(s, d)
	if err != nil {
		return memory.Config{}, err
	}
	m := memory.Config{
		Profile: memory.Kafka, Seed: seed, Session: s.Session, TxTimeout: s.TxTimeout, Assignment: memory.Cooperative,
	}
	if s.Assignment == engine.Eager {
		m.Assignment = memory.Eager
	}
	if !s.Idempotent || s.BatchBytes < defaultBatchBytes || can.Transactions != "" {
		m.Like, err = lessened(s, can)
	}
	return m, err
}

// abilities asks the library's client, which dials nothing until it is used.
func abilities(s engine.Settings, d engine.Driver) (engine.Abilities, error) {
	c, err := d.Open(s)
	if err != nil {
		return engine.Abilities{}, err
	}
	defer c.Close()
	return c.Abilities(), nil
}

// lessened are the simulator's own capabilities as Kafka, without what s gives up and the library cannot do.
func lessened(s engine.Settings, can engine.Abilities) (*stream.Capabilities, error) {
	const name = "any"
	ctx := context.Background()
	b, err := memory.Open(ctx, memory.Config{Profile: memory.Kafka, Streams: []stream.StreamConfig{{Name: name}}})
	if err != nil {
		return nil, err
	}
	have, err := b.Capabilities(ctx, name)
	if err := errors.Join(err, b.Close()); err != nil {
		return nil, err
	}
	if s.BatchBytes < defaultBatchBytes {
		have.MaxRecordBytes.Value = int64(s.BatchBytes)
		have.MaxRecordBytes.Reason = fmt.Sprintf("BatchBytes is %d", s.BatchBytes)
	}
	if !s.Idempotent {
		repeats(&have, s, can)
	}
	if can.Transactions != "" {
		have.Transactions = none(can.Transactions)
	}
	return &have, nil
}

// repeats takes away what is lost where a batch that is sent again may be stored twice.
func repeats(have *stream.Capabilities, s engine.Settings, can engine.Abilities) {
	why := "idempotent producing is off (NoIdempotence)"
	if s.Acks != engine.AcksAll {
		why = "acks=" + string(s.Acks) + " turns idempotent producing off"
	}
	have.IdempotentProduce, have.Transactions = none(why), none(why)
	switch {
	case can.Repeats != "":
		have.KeyOrder = none(can.Repeats)
	case s.InFlight > 1:
		have.KeyOrder = none(fmt.Sprintf("%s, and with %d requests in flight a retry may overtake", why, s.InFlight))
	}
}

func none(why string) stream.Flag {
	return stream.Flag{Support: stream.None, Source: stream.Declared, Reason: why}
}
