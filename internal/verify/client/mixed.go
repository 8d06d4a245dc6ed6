package client

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/stream"
)

// A Backend is an adapter with everything that a run uses.
type Backend interface {
	stream.Backend
	stream.Ensurer
	stream.Abandoner
	stream.LagReader
}

// mixed opens producers and members through one library after the other. Questions go to kafka-go: what it promises, the
// other keeps too.
type mixed struct {
	*kafka.Backend
	franz *kafka.Backend

	sinks, sources atomic.Uint64
}

func openMixed(ctx context.Context, c kafka.Config) (Backend, error) {
	franz, err := kafka.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	b, err := kafkago.Open(ctx, c)
	if err != nil {
		return nil, errors.Join(err, franz.Close())
	}
	return &mixed{Backend: b, franz: franz}, nil
}

// of is the backend whose turn it is.
func (m *mixed) of(turns *atomic.Uint64) *kafka.Backend {
	if Mixed.Of(turns.Add(1)) == Franz {
		return m.franz
	}
	return m.Backend
}

// OpenSink opens a producer.
func (m *mixed) OpenSink(ctx context.Context, c stream.SinkConfig) (stream.Sink, error) {
	return m.of(&m.sinks).OpenSink(ctx, c)
}

// OpenSource joins a group.
func (m *mixed) OpenSource(ctx context.Context, c stream.SourceConfig) (stream.Source, error) {
	return m.of(&m.sources).OpenSource(ctx, c)
}

// Abandon ends the member, whichever library it is on.
func (m *mixed) Abandon(group, member string) error {
	err := m.Backend.Abandon(group, member)
	if err != nil {
		err = m.franz.Abandon(group, member)
	}
	return err
}

// Close closes both.
func (m *mixed) Close() error { return errors.Join(m.Backend.Close(), m.franz.Close()) }
