package kafkago

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// Committed reads a group's offsets. It does not wait for transactions: kafka-go's version of the request is older than
// RequireStable (KIP-447), so that of an offset which an open transaction will replace the old one is told.
//
// A coordinator that is not there yet, as before the first group of a cluster, is waited for, for as long as other
// questions are asked.
func (c *client) Committed(ctx context.Context, group, topic string, partitions []int32) (map[int32]engine.Committed, error) {
	committed := make(map[int32]engine.Committed, len(partitions))
	patience := time.Now().Add(retryFor)
	for pause := askPause; len(partitions) > 0; pause = min(2*pause, askPauseMax) {
		answer, err := c.fetchOffsets(ctx, group, topic, partitions)
		if err == nil {
			partitions, err = offsetsOf(group, topic, partitions, answer, committed)
		}
		if len(partitions) == 0 && err == nil {
			break
		}
		code, coded := engine.CodeOf(err)
		isOver := (coded && !code.AtCoordinator()) || !isPassing(err) || time.Now().After(patience)
		if err != nil && isOver {
			return nil, err
		}
		if ended := wait(ctx, pause); ended != nil {
			return nil, fmt.Errorf("the coordinator of the group is moving: %w", ending(ended, err))
		}
	}
	return committed, nil
}

func (c *client) fetchOffsets(ctx context.Context, group, topic string, partitions []int32) (*offsetfetch.Response, error) {
	address, err := c.coordinator(ctx, group)
	if err != nil {
		return nil, engine.Denied(mapped(err), "DESCRIBE", "group "+group)
	}
	answer, err := c.lines.ask(ctx, address, &offsetfetch.Request{
		GroupID: group, Topics: []offsetfetch.RequestTopic{{Name: topic, PartitionIndexes: partitions}},
	})
	if err != nil {
		c.coordinators.forget(group)
		return nil, engine.Denied(mapped(err), "DESCRIBE", "group "+group)
	}
	told := answer.(*offsetfetch.Response)
	if engine.Code(told.ErrorCode).AtCoordinator() {
		c.coordinators.forget(group)
	}
	return told, nil
}

// offsetsOf returns the partitions that must be asked for again.
func offsetsOf(
	group, topic string, asked []int32, answer *offsetfetch.Response, into map[int32]engine.Committed,
) (again []int32, err error) {
	if engine.Code(answer.ErrorCode) == engine.GroupNotFound {
		return nil, nil // it has committed nothing
	}
	if err := engine.Failed(answer.ErrorCode, nil); err != nil {
		return asked, engine.Denied(engine.Map(err), "DESCRIBE", "group "+group)
	}
	told := make(map[int32]bool, len(asked))
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			told[p.PartitionIndex] = true
			code := engine.Code(p.ErrorCode)
			switch {
			case code == engine.UnstableOffsets || code.AtCoordinator():
				again = append(again, p.PartitionIndex)
			case code != 0:
				return asked, engine.Denied(engine.Map(engine.Failed(p.ErrorCode, nil)), "DESCRIBE", "topic "+topic)
			case p.CommittedOffset >= 0:
				into[p.PartitionIndex] = engine.Committed{
					Offset: engine.Offset{At: p.CommittedOffset, Epoch: p.ComittedLeaderEpoch}, Metadata: p.Metadata,
				}
			}
		}
	}
	for _, number := range asked { // what is not told is not nothing
		if !told[number] {
			return asked, fmt.Errorf("the coordinator's answer leaves partition %d out", number)
		}
	}
	return again, nil
}
