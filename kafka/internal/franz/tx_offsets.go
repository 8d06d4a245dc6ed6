package franz

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// The error codes of transactions that are acted on here.
const (
	illegalGeneration      engine.Code = 22
	rebalanceInProgress    engine.Code = 27
	invalidProducerEpoch   engine.Code = 47
	concurrentTransactions engine.Code = 51
	producerFenced         engine.Code = 90
	staleMemberEpoch       engine.Code = 113
)

// regroupPatience is how long a commit waits for a group that changes its generation while the partition stays: as long
// as a cooperative rebalance takes to tell all members.
const regroupPatience = 3 * time.Second

// commitWith puts the claim's checkpoint into the transaction and commits it, all while the claim's guard says that the
// partition is held: brokers accept offsets for partitions that the member has no longer.
func (t *tx) commitWith(ctx context.Context, claim engine.TxClaim, to stream.Checkpoint) error {
	if mutated("offsets are outside the transaction") {
		return errors.Join(claim.Checkpoint(ctx, to), t.decide(ctx, nil))
	}
	patience, cancel := context.WithTimeout(ctx, regroupPatience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := claim.Guarded(ctx, func(ctx context.Context, m engine.Membership) error {
			at, err := t.mark(ctx, m, claim, to)
			if err == nil {
				err = t.addOffsets(ctx, m, at)
			}
			if err != nil {
				return settled(cause(ctx, err))
			}
			if mutated("aborted offsets count as saved") {
				claim.Saved(at.Committed)
			}
			if err := t.decide(ctx, at); err != nil {
				return err
			}
			claim.Saved(at.Committed)
			return nil
		})
		code, _ := engine.CodeOf(err)
		if code != illegalGeneration && code != rebalanceInProgress && code != staleMemberEpoch {
			return err
		}
		if wait(patience, pause) != nil {
			return err
		}
	}
}

// A mark is a checkpoint as the group's coordinator stores it.
type mark struct {
	engine.Committed
	group     string
	topic     string
	id        [16]byte
	partition int32
	again     bool // what was stored before is at the same offset
}

// mark refuses, without asking brokers, what they would accept of a member that is in no group.
func (t *tx) mark(ctx context.Context, m engine.Membership, claim engine.TxClaim, to stream.Checkpoint) (*mark, error) {
	if m.Generation < 0 || m.Member == "" {
		return nil, fmt.Errorf("%w: the member is not in the group", stream.ErrLost)
	}
	committed, err := claim.Committed(to)
	if err != nil {
		return nil, err
	}
	hold := claim.Hold()
	n, err := strconv.ParseInt(hold.Partition, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: partition %.20q is not a number", stream.ErrInvalid, hold.Partition)
	}
	id, err := t.s.client.topicID(ctx, hold.Stream, topicIDAge)
	if err != nil {
		return nil, err
	}
	return &mark{
		Committed: committed, group: m.Group, topic: hold.Stream, id: id, partition: int32(n), again: claim.IsSaved(committed),
	}, nil
}

// addOffsets adds the mark to the transaction: at the transaction's coordinator first, unless that is implied, then at the
// group's (KIP-447, KIP-890).
func (t *tx) addOffsets(ctx context.Context, m engine.Membership, at *mark) error {
	producer, epoch, err := t.session.native.ProducerID(ctx)
	if err != nil {
		return err
	}
	patience := t.s.client.txPatience()
	if !t.session.implicit {
		err := untilTaken(ctx, patience, func() error { return t.session.addGroup(ctx, m.Group, producer, epoch) })
		if err != nil {
			return engine.Denied(err, "READ", "group "+m.Group)
		}
	}
	err = untilTaken(ctx, patience, func() error { return t.session.commitOffset(ctx, m, at, producer, epoch) })
	if code, _ := engine.CodeOf(err); code == engine.UnknownTopicID {
		// The topic was made anew. Whoever holds a partition of the new one finds its id.
		_, _ = t.s.client.topicID(ctx, at.topic, time.Nanosecond)
	}
	return engine.Denied(err, "READ", "group "+m.Group)
}

// untilTaken calls again what is refused because the transaction before is still being completed, and, for as long as
// patience, what has no answer or met no coordinator: to say it twice does no harm.
func untilTaken(ctx context.Context, patience time.Duration, call func() error) error {
	until := time.Now().Add(patience)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := mapped(call())
		if err == nil {
			return nil
		}
		if code, _ := engine.CodeOf(err); code != concurrentTransactions && (!isTransient(err) || time.Now().After(until)) {
			return err
		}
		if wait(ctx, pause) != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// addGroup is AddOffsetsToTxn.
func (s *session) addGroup(ctx context.Context, group string, producer int64, epoch int16) error {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = s.id, producer, epoch, group
	resp, err := req.RequestWith(ctx, s.native)
	if err != nil {
		return err
	}
	return engine.Failed(resp.ErrorCode, nil)
}

// commitOffset is TxnOffsetCommit. It carries the topic's name for brokers up to 4.3 and the id for later ones.
func (s *session) commitOffset(ctx context.Context, m engine.Membership, at *mark, producer int64, epoch int16) error {
	partition := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Partition, partition.Offset, partition.LeaderEpoch = at.partition, at.Offset.At, at.Offset.Epoch
	partition.Metadata = &at.Metadata
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = at.topic, at.id
	topic.Partitions = append(topic.Partitions, partition)
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = s.id, producer, epoch
	req.Group, req.MemberID, req.Generation = m.Group, m.Member, m.Generation
	if m.Instance != "" {
		req.InstanceID = &m.Instance
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, s.native)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return errors.New("a broker answered for another partition than it was asked about")
	}
	return engine.Failed(resp.Topics[0].Partitions[0].ErrorCode, nil)
}
