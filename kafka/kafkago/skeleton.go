package kafkago

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

var errAbsent = errors.New("absent")

func (c *client) Cluster(ctx context.Context) (engine.Cluster, error) {
	return engine.Cluster{}, errAbsent
}
func (c *client) Topic(ctx context.Context, name string) (engine.Topic, error) {
	return engine.Topic{}, errAbsent
}
func (c *client) Topics(ctx context.Context) ([]string, error)             { return nil, errAbsent }
func (c *client) CreateTopic(ctx context.Context, t engine.NewTopic) error { return errAbsent }
func (c *client) AwaitTopic(ctx context.Context, name string) error        { return errAbsent }
func (c *client) Offsets(ctx context.Context, topic string, partitions []int32, edge engine.Edge) (map[int32]engine.Edged, error) {
	return nil, errAbsent
}
func (c *client) Committed(ctx context.Context, group, topic string, partitions []int32) (map[int32]engine.Committed, error) {
	return nil, errAbsent
}
func (c *client) Commit(ctx context.Context, m engine.Membership, topic string, offsets map[int32]engine.Committed) (map[int32]error, error) {
	return nil, errAbsent
}
func (c *client) OpenSink(ctx context.Context, config stream.SinkConfig, p engine.Probe) (stream.Sink, error) {
	return nil, errAbsent
}
func (c *client) OpenFetcher(r engine.Receiver, config engine.FetchConfig) (engine.Fetcher, error) {
	return nil, errAbsent
}
func (c *client) OpenMember(ctx context.Context, l engine.Listener, config engine.MemberConfig) (engine.Member, error) {
	return nil, errAbsent
}
