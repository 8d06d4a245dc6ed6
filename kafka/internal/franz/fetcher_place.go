package franz

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A place is a partition that is being read, from Add to the next Add or Remove.
type place struct {
	name   string // the partition's, made once
	next   engine.Offset
	number int64
	paused bool // in the client
	still  bool // broken: nothing more of it is told
}

// distribute hands out what a poll brought. Errors that the client found out by itself come last in a poll, and first
// here: after a truncation the client reads on where the log ends now, and nothing of that may be told.
func (f *fetcher) distribute(fetches kgo.Fetches) {
	for i := range fetches {
		for j := range fetches[i].Topics {
			topic := &fetches[i].Topics[j]
			for k := range topic.Partitions {
				if fetched := &topic.Partitions[k]; fetched.Err != nil && len(fetched.Records) == 0 {
					f.failed(engine.Partition{Topic: topic.Topic, Number: fetched.Partition}, fetched.Err)
				}
			}
		}
	}
	for i := range fetches {
		for j := range fetches[i].Topics {
			topic := &fetches[i].Topics[j]
			for k := range topic.Partitions {
				f.fetched(engine.Partition{Topic: topic.Topic, Number: topic.Partitions[k].Partition}, &topic.Partitions[k])
			}
		}
	}
}

// fetched tells one partition's records, and then the error that ended them.
func (f *fetcher) fetched(p engine.Partition, from *kgo.FetchPartition) {
	at := f.places[p]
	if at == nil || at.still || len(from.Records) == 0 {
		return
	}
	first, last := from.Records[0], from.Records[len(from.Records)-1]
	if first.Offset < at.next.At {
		f.breakUp(p, at, &engine.Truncated{
			Asked: at.next, End: engine.Offset{At: first.Offset, Epoch: first.LeaderEpoch},
		})
		return
	}
	at.next = engine.Offset{At: last.Offset + 1, Epoch: last.LeaderEpoch}
	block := engine.Block{
		Next: at.next, Stable: from.LastStableOffset, Oldest: from.LogStartOffset, Added: at.number,
	}
	if f.uncommitted {
		block.Stable = from.HighWatermark
	}
	if run := withoutMarkers(from.Records); len(run) > 0 {
		block.Records = &records{run: run, topic: p.Topic, partition: at.name}
		block.Bytes = sizeOf(run)
	}
	f.receiver.Fetched(p, block)
	if from.Err != nil {
		f.failed(p, from.Err)
	}
}

// failed tells an error of one partition, of a topic (number -1), or of everything.
func (f *fetcher) failed(p engine.Partition, err error) {
	switch {
	case f.base.Err() != nil || p.Topic == "" && f.ours(err):
		return
	case p.Number >= 0:
		if at := f.places[p]; at != nil && !at.still {
			f.breakUp(p, at, err)
		}
		return
	}
	for q, at := range f.places {
		if !at.still && (p.Topic == "" || p.Topic == q.Topic) {
			f.breakUp(q, at, err)
		}
	}
}

// ours reports whether a poll ended because an order came, or the time to inspect.
func (f *fetcher) ours(err error) bool { return f.poll != nil && errors.Is(err, f.poll.Err()) }

// breakUp tells that a partition stands still, and sees to it that it does.
func (f *fetcher) breakUp(p engine.Partition, at *place, err error) {
	at.still = true
	f.broken[p] = struct{}{}
	if errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.InconsistentTopicID) {
		f.stale[p.Topic] = struct{}{}
	}
	f.receiver.Broken(p, engine.Denied(fetchError(err), "READ", "topic "+p.Topic))
}

// fetchError is mapped, and adds what only a fetch can know: an error without a code is about bytes that do not decode.
func fetchError(err error) error {
	var (
		lost      *kgo.ErrDataLoss
		truncated *engine.Truncated
	)
	switch {
	case errors.As(err, &lost):
		return &engine.Truncated{
			Asked: engine.Offset{At: lost.ConsumedTo, Epoch: lost.ConsumedToEpoch},
			End:   engine.Offset{At: lost.ResetTo, Epoch: lost.ResetToEpoch},
		}
	case errors.As(err, &truncated):
		return truncated
	}
	told := mapped(err)
	if told == err { //nolint:errorlint // whether mapped knew it
		return fmt.Errorf("%w: %w", stream.ErrCorrupt, err)
	}
	return told
}

// deletedAfter inspections a topic that metadata does not know counts as deleted. Until then it may be a broker that does
// not know it yet.
const deletedAfter = 3

// noPartition is one that no topic has. Asked for it, the client tells the error of the topic.
const noPartition = math.MaxInt32

// inspect finds topics that were deleted, of which the client says nothing where brokers do not know topics' ids.
func (f *fetcher) inspect() {
	now := time.Now()
	if now.Before(f.next) {
		return
	}
	f.next = now.Add(f.every)
	known := make(map[string]bool)
	for p := range f.places {
		if _, done := known[p.Topic]; done {
			continue
		}
		_, _, err := f.native.PartitionLeader(p.Topic, noPartition)
		known[p.Topic] = !errors.Is(err, kerr.UnknownTopicOrPartition)
	}
	for topic := range f.missing {
		if unknown, ok := known[topic]; !ok || unknown {
			delete(f.missing, topic)
		}
	}
	for topic, isKnown := range known {
		if isKnown {
			continue
		}
		if f.missing[topic]++; f.missing[topic] >= deletedAfter {
			f.failed(engine.Partition{Topic: topic, Number: -1}, kerr.UnknownTopicOrPartition)
		}
	}
}
