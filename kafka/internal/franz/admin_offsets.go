package franz

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Special times of a ListOffsets request.
const (
	timeOldest = -2
	timeLatest = -1
)

// Levels of isolation of a ListOffsets request: they decide whether the latest offset is the last stable one.
const (
	readUncommitted = 0
	readCommitted   = 1
)

const (
	stablePause    = 10 * time.Millisecond // after the first answer with a pending offset
	stablePauseMax = 250 * time.Millisecond
)

// Offsets asks the leaders of the partitions. What concerns one partition only is in its Edged. A leader that is on its
// way is waited for, for as long as other requests are tried.
func (c *client) Offsets(ctx context.Context, topic string, partitions []int32, edge engine.Edge) (map[int32]engine.Edged, error) {
	edges := make(map[int32]engine.Edged, len(partitions))
	left, patience := partitions, time.Now().Add(retryFor)
	for pause := stablePause; ; pause = min(2*pause, stablePauseMax) {
		moving, err := c.offsetsOnce(ctx, topic, left, edge, edges)
		if err != nil || len(moving) == 0 || time.Now().After(patience) {
			return edges, err
		}
		left = moving
		if err := wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("the leader of partition %d is moving: %w", left[0], err)
		}
	}
}

// offsetsOnce returns the partitions that should be asked for again.
func (c *client) offsetsOnce(
	ctx context.Context, topic string, partitions []int32, edge engine.Edge, into map[int32]engine.Edged,
) (moving []int32, err error) {
	request, err := listRequest(topic, partitions, edge)
	if err != nil {
		return nil, err
	}
	for _, shard := range c.native.RequestSharded(ctx, request) {
		if shard.Err != nil {
			if err := mapped(shard.Err); ctx.Err() != nil {
				return nil, err
			}
			failShard(into, shard.Req.(*kmsg.ListOffsetsRequest), engine.Denied(mapped(shard.Err), "DESCRIBE", "topic "+topic))
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				into[p.Partition] = edged(topic, p)
				if engine.Code(p.ErrorCode).AtLeader() {
					moving = append(moving, p.Partition)
				}
			}
		}
	}
	return moving, nil
}

func listRequest(topic string, partitions []int32, edge engine.Edge) (*kmsg.ListOffsetsRequest, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	var at int64
	switch edge.Kind {
	case engine.EdgeOldest:
		at = timeOldest
	case engine.EdgeEnd:
		at = timeLatest
	case engine.EdgeStable:
		at, request.IsolationLevel = timeLatest, readCommitted
	case engine.EdgeSince:
		// The isolation stays off: with it, a record of an open transaction is not found, and reading would begin after it.
		at, request.IsolationLevel = millis(edge.Time), readUncommitted
	default:
		return nil, fmt.Errorf("%w: %q is no edge of a log", stream.ErrInvalid, edge.Kind)
	}
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for _, number := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = number, at
		t.Partitions = append(t.Partitions, p)
	}
	request.Topics = append(request.Topics, t)
	return request, nil
}

// millis rounds up: records have times in milliseconds, and none before t may be found. Times before 1970 mean the
// oldest record; negative numbers have meanings of their own in the protocol.
func millis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return max(ms, 0)
}

func edged(topic string, p kmsg.ListOffsetsResponseTopicPartition) engine.Edged {
	err := engine.Denied(engine.Map(engine.Failed(p.ErrorCode, nil)), "DESCRIBE", "topic "+topic)
	e := engine.Edged{Offset: engine.Offset{At: p.Offset, Epoch: p.LeaderEpoch}, Err: err}
	if p.Timestamp >= 0 {
		e.Time = time.UnixMilli(p.Timestamp).UTC()
	}
	return e
}

func failShard(edges map[int32]engine.Edged, request *kmsg.ListOffsetsRequest, err error) {
	for _, t := range request.Topics {
		for _, p := range t.Partitions {
			edges[p.Partition] = engine.Edged{Offset: engine.Offset{At: -1, Epoch: -1}, Err: err}
		}
	}
}

// Committed reads a group's offsets. While a transaction that holds an offset of the group is open, the coordinator
// answers UNSTABLE_OFFSET_COMMIT (KIP-447), and is asked again until ctx ends. A coordinator that is not there yet, as
// before the first group of a cluster, is waited for, for as long as other requests are tried.
func (c *client) Committed(ctx context.Context, group, topic string, partitions []int32) (map[int32]engine.Committed, error) {
	committed := make(map[int32]engine.Committed, len(partitions))
	left, patience := partitions, time.Now().Add(retryFor)
	for pause := stablePause; len(left) > 0; pause = min(2*pause, stablePauseMax) {
		pending, err := c.committedOnce(ctx, group, topic, left, committed)
		if code, _ := engine.CodeOf(err); code.AtCoordinator() && time.Now().Before(patience) {
			pending, err = left, nil
		}
		if err != nil {
			return nil, err
		}
		if left = pending; len(left) == 0 {
			break
		}
		if err := wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("offsets of the group are held by an open transaction, or its coordinator is moving: %w", err)
		}
	}
	return committed, nil
}

// committedOnce returns the partitions that must be asked for again.
func (c *client) committedOnce(
	ctx context.Context, group, topic string, partitions []int32, into map[int32]engine.Committed,
) ([]int32, error) {
	answer, err := fetchRequest(group, topic, partitions).RequestWith(ctx, c.native)
	if err != nil {
		return nil, engine.Denied(mapped(err), "DESCRIBE", "group "+group)
	}
	var pending []int32
	told := make(map[int32]bool, len(partitions))
	for _, g := range answer.Groups {
		switch code := engine.Code(g.ErrorCode); {
		case code.AtCoordinator():
			return partitions, nil
		case code == engine.GroupNotFound:
			return nil, nil // it has committed nothing
		}
		if err := engine.Failed(g.ErrorCode, nil); err != nil {
			return nil, engine.Denied(engine.Map(err), "DESCRIBE", "group "+group)
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				told[p.Partition] = true
				code := engine.Code(p.ErrorCode)
				switch {
				case code == engine.UnstableOffsets || code.AtCoordinator():
					pending = append(pending, p.Partition)
				case code != 0:
					return nil, engine.Denied(engine.Map(engine.Failed(p.ErrorCode, nil)), "DESCRIBE", "topic "+topic)
				case p.Offset >= 0:
					into[p.Partition] = stored(p)
				}
			}
		}
	}
	for _, number := range partitions { // what is not told is not nothing
		if !told[number] {
			return nil, fmt.Errorf("the coordinator's answer leaves partition %d out", number)
		}
	}
	return pending, nil
}

func fetchRequest(group, topic string, partitions []int32) *kmsg.OffsetFetchRequest {
	request := kmsg.NewPtrOffsetFetchRequest()
	request.RequireStable = true
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.Partitions = topic, partitions
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	g.Topics = append(g.Topics, t)
	request.Groups = append(request.Groups, g)
	return request
}

func stored(p kmsg.OffsetFetchResponseGroupTopicPartition) engine.Committed {
	c := engine.Committed{Offset: engine.Offset{At: p.Offset, Epoch: p.LeaderEpoch}}
	if p.Metadata != nil {
		c.Metadata = *p.Metadata
	}
	return c
}
