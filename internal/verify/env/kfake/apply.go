package kfake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	fake "github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// requests are the kinds of request that steps name.
var requests = map[string]kmsg.Key{
	"produce": kmsg.Produce, "fetch": kmsg.Fetch, "list_offsets": kmsg.ListOffsets, "metadata": kmsg.Metadata,
	"offset_commit": kmsg.OffsetCommit, "offset_fetch": kmsg.OffsetFetch, "find_coordinator": kmsg.FindCoordinator,
	"heartbeat": kmsg.Heartbeat, "init_producer_id": kmsg.InitProducerID, "add_partitions_to_txn": kmsg.AddPartitionsToTxn,
	"add_offsets_to_txn": kmsg.AddOffsetsToTxn, "end_txn": kmsg.EndTxn, "txn_offset_commit": kmsg.TxnOffsetCommit,
}

// refusals are the answers that brokers give when they mean "not now".
var refusals = []struct {
	request string
	err     *kerr.Error
}{
	{"produce", kerr.NotLeaderForPartition}, {"produce", kerr.NotEnoughReplicas}, {"produce", kerr.RequestTimedOut},
	{"produce", kerr.NotEnoughReplicasAfterAppend}, {"produce", kerr.KafkaStorageError},
	{"fetch", kerr.NotLeaderForPartition}, {"fetch", kerr.KafkaStorageError},
	{"list_offsets", kerr.LeaderNotAvailable},
	{"offset_commit", kerr.CoordinatorLoadInProgress}, {"offset_commit", kerr.NotCoordinator},
	{"offset_fetch", kerr.UnstableOffsetCommit}, {"offset_fetch", kerr.NotCoordinator},
	{"find_coordinator", kerr.CoordinatorNotAvailable}, {"heartbeat", kerr.NotCoordinator},
	{"init_producer_id", kerr.ConcurrentTransactions}, {"end_txn", kerr.CoordinatorLoadInProgress},
	{"add_offsets_to_txn", kerr.ConcurrentTransactions}, {"txn_offset_commit", kerr.CoordinatorLoadInProgress},
}

// codes names them for scripts: "request=ERROR".
func codes() []string {
	names := make([]string, len(refusals))
	for i, r := range refusals {
		names[i] = r.request + "=" + r.err.Message
	}
	return names
}

// Apply makes a step come true, as far as it can: there may be no member, or nothing to trim.
func (e *service) Apply(ctx context.Context, step fault.Step, w env.World) ([]history.Op, error) {
	switch step.Kind {
	case fault.Crash, fault.Pause:
		return e.strike(step, w)
	case fault.Move:
		e.cluster.ShufflePartitionLeaders()
	case fault.Coordinator:
		e.cluster.RehashCoordinators()
	case fault.Grow:
		return e.grow(ctx, w.Stream)
	case fault.Trim:
		return e.trim(step, w)
	case fault.Abort:
		return e.abort(step, w)
	case fault.Refuse:
		e.refuse(step)
	case fault.Lose, fault.Late, fault.Cut:
		e.wires.arm(int16(requests[step.Target]), step.Kind, step.Arg)
	default:
		return nil, fmt.Errorf("kfake has no fault %q", step.Kind)
	}
	return []history.Op{{Type: history.Note, F: history.Fault, Err: strings.TrimSpace(string(step.Kind) + " " + step.Target)}}, nil
}

// strike does something to a member.
func (e *service) strike(step fault.Step, w env.World) ([]history.Op, error) {
	if len(w.Members) == 0 {
		return nil, nil
	}
	member := w.Members[step.Arg%len(w.Members)]
	if step.Kind == fault.Crash {
		_ = e.inner.Abandon(w.Group, member) // it may be about to leave
		return []history.Op{{Type: history.Note, F: history.Crash, Proc: member}}, nil
	}
	long, err := time.ParseDuration(step.Target)
	if err != nil {
		return nil, fmt.Errorf("how long to pause: %w", err)
	}
	e.wires.stall(member, long)
	return []history.Op{{Type: history.Note, F: history.Pause, Proc: member}}, nil
}

// refuse has the brokers answer a few requests with an error.
func (e *service) refuse(step fault.Step) {
	request, name, _ := strings.Cut(step.Target, "=")
	for _, r := range refusals {
		if r.request != request || r.err.Message != name {
			continue
		}
		h := e.cluster.Fault(fake.Fault{Keys: []kmsg.Key{requests[request]}, Err: r.err, Count: 1 + step.Arg})
		e.mu.Lock()
		e.faults = append(e.faults, h)
		e.mu.Unlock()
	}
}

// mostPartitions keeps a run small.
const mostPartitions = 8

// grow adds a partition.
func (e *service) grow(ctx context.Context, topic string) ([]history.Op, error) {
	have := len(e.cluster.PartitionInfos(topic))
	if have >= mostPartitions {
		return nil, nil
	}
	asked := kmsg.NewPtrCreatePartitionsRequest()
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, int32(have+1)
	asked.Topics = append(asked.Topics, t)
	asked.TimeoutMillis = 1000
	err := e.ask(ctx, func(ctx context.Context, client *kgo.Client) error {
		answer, err := asked.RequestWith(ctx, client)
		if err == nil && len(answer.Topics) == 1 {
			err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return []history.Op{{Type: history.Note, F: history.Reshard, Part: fmt.Sprintf("%s/%d", topic, have)}}, nil
}

// trim deletes the older half of the known records of a partition, or all but the last.
func (e *service) trim(step fault.Step, w env.World) ([]history.Op, error) {
	all := e.cluster.PartitionInfos(w.Stream)
	info := all[step.Arg%len(all)]
	part := info.Partition
	known := w.Known(fmt.Sprint(part))
	if len(known) < 2 {
		return nil, nil
	}
	before := known[len(known)/2]
	if step.Target == "all" {
		before = known[len(known)-1]
	}
	offset := offsetOf(before)
	if offset <= info.LogStartOffset {
		return nil, nil
	}
	if err := e.cluster.DeleteRecords(w.Stream, part, offset); err != nil {
		return nil, err
	}
	return []history.Op{{
		Type: history.Note, F: history.Trim, Part: fmt.Sprintf("%s/%d", w.Stream, part), Pos: position(offset),
	}}, nil
}

// offsetOf is the offset of the record that stands at a position.
func offsetOf(p stream.Position) int64 {
	major, _, _ := p.Parts()
	return int64(major[2]) - 1
}
