package kafkago

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol/listoffsets"

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

// Offsets asks the leaders of the partitions, as brokers tell them now. What concerns one partition only is in its Edged.
// A leader that is on its way is waited for, for as long as other questions are asked.
func (c *client) Offsets(ctx context.Context, topic string, partitions []int32, edge engine.Edge) (map[int32]engine.Edged, error) {
	at, isolation, err := timeOf(edge)
	if err != nil {
		return nil, err
	}
	edges := make(map[int32]engine.Edged, len(partitions))
	left, patience := partitions, time.Now().Add(retryFor)
	for pause := askPause; ; pause = min(2*pause, askPauseMax) {
		moving, err := c.offsetsOnce(ctx, topic, left, at, isolation, edges)
		if err != nil || len(moving) == 0 || time.Now().After(patience) {
			return edges, err
		}
		left = moving
		if err := wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("the leader of partition %d is moving: %w", left[0], err)
		}
	}
}

// timeOf is what a ListOffsets request asks for an edge.
func timeOf(edge engine.Edge) (at int64, isolation int8, err error) {
	switch edge.Kind {
	case engine.EdgeOldest:
		return timeOldest, readUncommitted, nil
	case engine.EdgeEnd:
		return timeLatest, readUncommitted, nil
	case engine.EdgeStable:
		return timeLatest, readCommitted, nil
	case engine.EdgeSince:
		// The isolation stays off: with it, a record of an open transaction is not found, and reading would begin after it.
		return millis(edge.Time), readUncommitted, nil
	}
	return 0, 0, fmt.Errorf("%w: %q is no edge of a log", stream.ErrInvalid, edge.Kind)
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

// offsetsOnce returns the partitions that should be asked for again: those whose leader is moving, or did not answer.
func (c *client) offsetsOnce(
	ctx context.Context, topic string, partitions []int32, at int64, isolation int8, into map[int32]engine.Edged,
) (moving []int32, err error) {
	leaders, err := c.leaders(ctx, topic, partitions, into)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex // guards what follows, and into
		final error
	)
	moving = leaders[""]
	delete(leaders, "")
	atOnce(slices.Collect(maps.Keys(leaders)), func(address string) {
		numbers := leaders[address]
		answer, err := c.lines.ask(ctx, address, listRequest(topic, numbers, at, isolation))
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			again, ended := fail(ctx, topic, numbers, err, into)
			moving = append(moving, again...)
			if ended != nil {
				final = ended
			}
			return
		}
		moving = append(moving, edgesOf(topic, numbers, answer.(*listoffsets.Response), into)...)
	})
	return moving, final
}

// leaders are the partitions by their leader's address; "" are those that have none at the moment. What cannot be asked
// for is in into.
func (c *client) leaders(
	ctx context.Context, topic string, partitions []int32, into map[int32]engine.Edged,
) (map[string][]int32, error) {
	answer, err := c.metadataOf(ctx, []string{topic})
	if err != nil {
		return nil, err
	}
	t, err := the(answer.Topics, topic)
	if err != nil {
		failAll(partitions, err, into)
		if code, _ := engine.CodeOf(err); code.AtLeader() {
			return map[string][]int32{"": partitions}, nil
		}
		return nil, nil
	}
	addresses := addressesOf(answer.Brokers)
	leader := make(map[int32]string, len(t.Partitions))
	for _, p := range t.Partitions {
		leader[p.PartitionIndex] = addresses[p.LeaderID] // "" where there is none
	}
	by := make(map[string][]int32)
	for _, number := range partitions {
		address, known := leader[number]
		switch {
		case !known:
			failAll([]int32{number}, engine.Map(engine.Failed(int16(engine.UnknownTopic), nil)), into)
			continue
		case address == "":
			failAll([]int32{number}, engine.Map(engine.Failed(int16(engine.NoLeader), nil)), into)
		}
		by[address] = append(by[address], number)
	}
	return by, nil
}

func listRequest(topic string, partitions []int32, at int64, isolation int8) *listoffsets.Request {
	t := listoffsets.RequestTopic{Topic: topic}
	for _, number := range partitions {
		t.Partitions = append(t.Partitions, listoffsets.RequestPartition{Partition: number, CurrentLeaderEpoch: -1, Timestamp: at})
	}
	return &listoffsets.Request{ReplicaID: -1, IsolationLevel: isolation, Topics: []listoffsets.RequestTopic{t}}
}

// edgesOf returns the partitions whose leader is moving. What is not told is not nothing.
func edgesOf(topic string, asked []int32, answer *listoffsets.Response, into map[int32]engine.Edged) (moving []int32) {
	told := make(map[int32]bool, len(asked))
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			told[p.Partition] = true
			into[p.Partition] = edged(topic, p)
			if engine.Code(p.ErrorCode).AtLeader() {
				moving = append(moving, p.Partition)
			}
		}
	}
	for _, number := range asked {
		if !told[number] {
			failAll([]int32{number}, fmt.Errorf("the leader's answer leaves partition %d out", number), into)
		}
	}
	return moving
}

func edged(topic string, p listoffsets.ResponsePartition) engine.Edged {
	err := engine.Denied(engine.Map(engine.Failed(p.ErrorCode, nil)), "DESCRIBE", "topic "+topic)
	e := engine.Edged{Offset: engine.Offset{At: p.Offset, Epoch: p.LeaderEpoch}, Err: err}
	if p.Timestamp >= 0 {
		e.Time = time.UnixMilli(p.Timestamp).UTC()
	}
	return e
}

// fail returns the partitions that another leader may tell of, or the end of ctx.
func fail(ctx context.Context, topic string, asked []int32, err error, into map[int32]engine.Edged) ([]int32, error) {
	told := engine.Denied(mapped(err), "DESCRIBE", "topic "+topic)
	if ctx.Err() != nil {
		return nil, told
	}
	failAll(asked, told, into)
	if !isPassing(err) {
		return nil, nil
	}
	return asked, nil
}

func failAll(partitions []int32, err error, into map[int32]engine.Edged) {
	for _, number := range partitions {
		into[number] = engine.Edged{Offset: engine.Offset{At: -1, Epoch: -1}, Err: err}
	}
}
