package franz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	commitPatience = time.Minute           // how long a commit is tried where the context has no end
	commitPause    = 50 * time.Millisecond // after the first try that reached no coordinator
	commitPauseMax = time.Second           // the pauses double up to here
	topicIDAge     = 365 * 24 * time.Hour  // a topic keeps its id as long as it lives
)

// Commit writes offsets for a member in one raw request. Partitions that the coordinator refused are in the map with
// their errors. Requests that went to a broker that does not coordinate the group, or that were not answered, are sent
// again until ctx ends: the same offset may be written twice. If an answer never came, the error Is
// stream.ErrUnknownOutcome, also that of a partition which was refused later: what was not answered may have been done.
//
// Brokers take a generation of -1 as a commit from outside the group, and accept it in a transaction even while the group
// is alive. A Membership that is not in the group is therefore refused here, with stream.ErrLost.
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
		if wait(ctx, pause) != nil {
			err = fmt.Errorf("no coordinator of the group took the commit: %w", errors.Join(err, ctx.Err()))
			return nil, unsure(unknown, err)
		}
	}
}

// errUnsent marks what failed before a commit was sent.
var errUnsent = errors.New("nothing was sent")

// isUnsent reports whether a commit that failed cannot have been done: it was refused, or no connection could be made.
func isUnsent(err error) bool {
	_, coded := engine.CodeOf(err)
	return coded || errors.Is(err, errUnsent) || isDial(err)
}

// unsure adds that an earlier request may have been done.
func unsure(unknown bool, err error) error {
	if !unknown || errors.Is(err, stream.ErrUnknownOutcome) {
		return err
	}
	return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, err)
}

// isTransient reports whether a commit that failed may be sent again: what was not answered, and what went to a broker
// that does not coordinate the group. The end of the context, too, is left to the loop.
func isTransient(err error) bool {
	if code, coded := engine.CodeOf(err); coded {
		return code.AtCoordinator()
	}
	for _, final := range []error{stream.ErrUnauthorized, stream.ErrUnsupported, stream.ErrNotFound, stream.ErrInvalid, stream.ErrClosed} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

// commitOnce returns the partitions that should be tried again, and tells those that were refused.
func (c *client) commitOnce(
	ctx context.Context, m engine.Membership, topic string, offsets map[int32]engine.Committed, refuse func(int32, error),
) (map[int32]engine.Committed, error) {
	id, err := c.topicID(ctx, topic, topicIDAge)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	answer, err := commitRequest(m, topic, id, offsets).RequestWith(ctx, c.native)
	if err != nil {
		return nil, engine.Denied(mapped(err), "READ", "group "+m.Group)
	}
	again := make(map[int32]engine.Committed)
	unanswered := maps.Clone(offsets)
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			delete(unanswered, p.Partition)
			code := engine.Code(p.ErrorCode)
			if code.AtCoordinator() {
				again[p.Partition] = offsets[p.Partition]
			} else if err := commitError(m.Group, topic, p.ErrorCode); err != nil {
				refuse(p.Partition, err)
			}
			if code == engine.UnknownTopicID {
				// The topic was made anew. Whoever holds a partition of the new one finds its id.
				_, _ = c.topicID(ctx, topic, time.Nanosecond)
			}
		}
	}
	for number := range unanswered {
		refuse(number, fmt.Errorf("%w: the coordinator's answer leaves the partition out", stream.ErrUnknownOutcome))
	}
	return again, nil
}

// commitRequest names the topic and gives its id: from version 10 on only the id is sent, and a request with a name alone
// is answered with UNKNOWN_TOPIC_ID (KIP-848).
func commitRequest(m engine.Membership, topic string, id [16]byte, offsets map[int32]engine.Committed) *kmsg.OffsetCommitRequest {
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.MemberID, request.Generation = m.Group, m.Member, m.Generation
	if m.Instance != "" {
		request.InstanceID = &m.Instance
	}
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	for number, o := range offsets {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = number, o.Offset.At, o.Offset.Epoch
		p.Metadata = &o.Metadata
		t.Partitions = append(t.Partitions, p)
	}
	request.Topics = append(request.Topics, t)
	return request
}

func commitError(group, topic string, code int16) error {
	err := engine.Map(engine.Failed(code, nil))
	if engine.Code(code) == engine.TopicDenied {
		return engine.Denied(err, "READ", "topic "+topic)
	}
	return engine.Denied(err, "READ", "group "+group)
}

// topicID returns a topic's id, which is zero where the brokers are older than ids (KIP-516). franz-go remembers it for
// no longer than age. It also remembers that a topic was not there, which is asked again.
func (c *client) topicID(ctx context.Context, topic string, age time.Duration) ([16]byte, error) {
	id, err := c.rememberedID(ctx, topic, age)
	if errors.Is(err, stream.ErrNotFound) {
		return c.rememberedID(ctx, topic, time.Nanosecond)
	}
	return id, err
}

func (c *client) rememberedID(ctx context.Context, topic string, age time.Duration) ([16]byte, error) {
	answer, err := c.native.RequestCachedMetadata(ctx, metadataRequest(topic), age)
	if err != nil {
		return [16]byte{}, mapped(err)
	}
	if len(answer.Topics) != 1 {
		return [16]byte{}, fmt.Errorf("%w: the brokers do not tell of it", stream.ErrNotFound)
	}
	t := answer.Topics[0]
	if err := engine.Failed(t.ErrorCode, nil); err != nil {
		return [16]byte{}, engine.Denied(engine.Map(err), "DESCRIBE", "topic "+topic)
	}
	return t.TopicID, nil
}

// wait sleeps, but not beyond the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
