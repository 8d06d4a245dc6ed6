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
	s, err := c.check(franz.Driver{})
	if err != nil {
		return memory.Config{}, &stream.Error{Op: "simulate", Err: err}
	}
	m := memory.Config{
		Profile: memory.Kafka, Seed: seed, Session: s.Session, TxTimeout: s.TxTimeout, Assignment: memory.Cooperative,
	}
	if s.Assignment == engine.Eager {
		m.Assignment = memory.Eager
	}
	if !s.Idempotent || s.BatchBytes < defaultBatchBytes {
		m.Like, err = lessened(s)
	}
	return m, err
}

// lessened are the simulator's own capabilities as Kafka, without what s gives up.
func lessened(s engine.Settings) (*stream.Capabilities, error) {
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
	if s.Idempotent {
		return &have, nil
	}
	why := "idempotent producing is off (NoIdempotence)"
	if s.Acks != engine.AcksAll {
		why = "acks=" + string(s.Acks) + " turns idempotent producing off"
	}
	none := stream.Flag{Support: stream.None, Source: stream.Declared, Reason: why}
	have.IdempotentProduce, have.Transactions = none, none
	if s.InFlight > 1 {
		have.KeyOrder = none
		have.KeyOrder.Reason += fmt.Sprintf(", and with %d requests in flight a retry may overtake", s.InFlight)
	}
	return &have, nil
}
