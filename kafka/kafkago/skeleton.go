package kafkago

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

var errAbsent = errors.New("absent")

func (c *client) OpenSink(ctx context.Context, config stream.SinkConfig, p engine.Probe) (stream.Sink, error) {
	return nil, errAbsent
}
