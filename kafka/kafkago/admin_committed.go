package kafkago

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// errLeftOut says that an answer does not tell what was asked.
var errLeftOut = errors.New("the coordinator's answer leaves something out")

// Committed reads a group's offsets. It does not wait for transactions: kafka-go's version of the request is older than
// RequireStable (KIP-447), so that of an offset which an open transaction will replace the old one is told.
//
// A coordinator that is not there yet, as before the first group of a cluster, is waited for, for as long as other
// questions are asked.
func (c *client) Committed(ctx context.Context, group, topic string, partitions []int32) (map[int32]engine.Committed, error) {
	patience := time.Now().Add(retryFor)
	for pause := askPause; ; pause = min(2*pause, askPauseMax) {
		committed, err := c.committedOnce(ctx, group, topic, partitions)
		if err == nil || !isTransient(err) || errors.Is(err, errLeftOut) || time.Now().After(patience) {
			return committed, err
		}
		if ended := wait(ctx, pause); ended != nil {
			return nil, fmt.Errorf("the coordinator of the group is moving: %w", ending(ended, err))
		}
	}
}

func (c *client) committedOnce(ctx context.Context, group, topic string, partitions []int32) (map[int32]engine.Committed, error) {
	if len(partitions) == 0 {
		return nil, nil // asking for none would be asking for all
	}
	answer, err := c.fetchOffsets(ctx, group, topic, partitions)
	if err != nil {
		return nil, err
	}
	committed, err := offsetsOf(group, topic, partitions, answer)
	if code, _ := engine.CodeOf(err); code.AtCoordinator() {
		c.coordinators.forget(group)
	}
	return committed, err
}

func (c *client) fetchOffsets(ctx context.Context, group, topic string, partitions []int32) (*offsetfetch.Response, error) {
	address, err := c.coordinator(ctx, group)
	if err != nil {
		return nil, engine.Denied(err, "DESCRIBE", "group "+group)
	}
	answer, err := c.lines.ask(ctx, address, &offsetfetch.Request{
		GroupID: group, Topics: []offsetfetch.RequestTopic{{Name: topic, PartitionIndexes: partitions}},
	})
	if err != nil {
		c.coordinators.forget(group)
		return nil, engine.Denied(mapped(err), "DESCRIBE", "group "+group)
	}
	return answer.(*offsetfetch.Response), nil
}

func offsetsOf(group, topic string, asked []int32, answer *offsetfetch.Response) (map[int32]engine.Committed, error) {
	committed := make(map[int32]engine.Committed, len(asked))
	if engine.Code(answer.ErrorCode) == engine.GroupNotFound {
		return committed, nil // it has committed nothing
	}
	if err := engine.Failed(answer.ErrorCode, nil); err != nil {
		return nil, engine.Denied(engine.Map(err), "DESCRIBE", "group "+group)
	}
	told := make(map[int32]bool, len(asked))
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			told[p.PartitionIndex] = true
			if err := engine.Failed(p.ErrorCode, nil); err != nil {
				return nil, engine.Denied(engine.Map(err), "DESCRIBE", "topic "+topic)
			}
			if p.CommittedOffset >= 0 {
				committed[p.PartitionIndex] = engine.Committed{
					Offset: engine.Offset{At: p.CommittedOffset, Epoch: p.ComittedLeaderEpoch}, Metadata: p.Metadata,
				}
			}
		}
	}
	for _, number := range asked { // what is not told is not nothing
		if !told[number] {
			return nil, fmt.Errorf("%w: partition %d", errLeftOut, number)
		}
	}
	return committed, nil
}
