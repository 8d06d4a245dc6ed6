package kafkago

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	commitPatience = time.Minute           // how long a commit is tried where the context has no end
	commitPause    = 50 * time.Millisecond // after the first try that reached no coordinator
	commitPauseMax = time.Second           // the pauses double up to here
)

// Commit writes offsets for a member in one request. Partitions that the coordinator refused are in the map with their
// errors. Requests that went to a broker that does not coordinate the group, or that were not answered, are sent again
// until ctx ends: the same offset may be written twice. If an answer never came, the error Is stream.ErrUnknownOutcome,
// also that of a partition which was refused later: what was not answered may have been done.
//
// Brokers take a generation of -1 as a commit from outside the group. A Membership that is not in the group is therefore
// refused here, with stream.ErrLost.
func (c *client) Commit(ctx context.Context, m engine.Membership, topic string, offsets map[int32]engine.Committed) (map[int32]error, error) {
	if m.Generation < 0 || m.Member == "" {
		return nil, fmt.Errorf("%w: the member is not in the group %q", stream.ErrLost, m.Group)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, commitPatience)
	defer cancel()
	left := offsets
	refused := make(map[int32]error)
	unknown := false
	for pause := commitPause; ; pause = min(2*pause, commitPauseMax) {
		again, err := c.commitOnce(ctx, m, topic, left, func(partition int32, err error) {
			refused[partition] = unsure(unknown, err)
		})
		switch {
		case err == nil:
			left = again
		case !isTransient(err):
			return nil, unsure(unknown, err)
		default:
			unknown = unknown || !isUnsent(err)
		}
		if len(left) == 0 {
			return refused, nil
		}
		if ended := wait(ctx, pause); ended != nil {
			err = fmt.Errorf("no coordinator of the group took the commit: %w", ending(ended, err))
			return nil, unsure(unknown, err)
		}
	}
}

// isUnsent reports whether a commit that failed cannot have been done: it was refused, or it did not go out.
func isUnsent(err error) bool {
	_, coded := engine.CodeOf(err)
	return coded || errors.Is(err, errUnsent)
}

// isTransient reports whether a commit that failed may be sent again: what was not answered, and what went to a broker
// that does not coordinate the group. The end of the context, too, is left to the loop.
func isTransient(err error) bool {
	if code, coded := engine.CodeOf(err); coded {
		return code.AtCoordinator()
	}
	return isPassing(err)
}

// commitOnce returns the partitions that should be tried again, and tells those that were refused.
func (c *client) commitOnce(
	ctx context.Context, m engine.Membership, topic string, offsets map[int32]engine.Committed, refuse func(int32, error),
) (map[int32]engine.Committed, error) {
	address, err := c.coordinator(ctx, m.Group)
	if err != nil {
		err = fmt.Errorf("%w: %w", errUnsent, err)
		return nil, engine.Denied(err, "READ", "group "+m.Group)
	}
	told, err := c.lines.ask(ctx, address, commitRequest(m, topic, offsets))
	if err != nil {
		c.coordinators.forget(m.Group)
		return nil, engine.Denied(mapped(err), "READ", "group "+m.Group)
	}
	again := make(map[int32]engine.Committed)
	unanswered := maps.Clone(offsets)
	for _, t := range told.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			delete(unanswered, p.PartitionIndex)
			if engine.Code(p.ErrorCode).AtCoordinator() {
				again[p.PartitionIndex] = offsets[p.PartitionIndex]
			} else if err := commitError(m.Group, topic, p.ErrorCode); err != nil {
				refuse(p.PartitionIndex, err)
			}
		}
	}
	if len(again) > 0 {
		c.coordinators.forget(m.Group)
	}
	for number := range unanswered {
		refuse(number, fmt.Errorf("%w: the coordinator's answer leaves the partition out", stream.ErrUnknownOutcome))
	}
	return again, nil
}

// commitRequest names the topic: kafka-go's version of the request is older than topic ids.
func commitRequest(m engine.Membership, topic string, offsets map[int32]engine.Committed) *offsetcommit.Request {
	t := offsetcommit.RequestTopic{Name: topic}
	for number, o := range offsets {
		t.Partitions = append(t.Partitions, offsetcommit.RequestPartition{
			PartitionIndex: number, CommittedOffset: o.Offset.At, CommittedLeaderEpoch: o.Offset.Epoch, CommittedMetadata: o.Metadata,
		})
	}
	return &offsetcommit.Request{
		GroupID: m.Group, GenerationID: m.Generation, MemberID: m.Member, GroupInstanceID: m.Instance, RetentionTimeMs: -1,
		Topics: []offsetcommit.RequestTopic{t},
	}
}

func commitError(group, topic string, code int16) error {
	err := engine.Map(engine.Failed(code, nil))
	if engine.Code(code) == engine.TopicDenied {
		return engine.Denied(err, "READ", "topic "+topic)
	}
	return engine.Denied(err, "READ", "group "+group)
}
