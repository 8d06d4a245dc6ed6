package franz

import (
	"fmt"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A partitioner places records by the settings, and otherwise as Kafka's Java client does: keys by murmur2, records without
// key on one partition a batch (KIP-480).
type partitioner struct {
	standard kgo.Partitioner
	custom   engine.Partitioner
	byRecord bool
}

func newPartitioner(s engine.Settings) *partitioner {
	return &partitioner{standard: kgo.StickyKeyPartitioner(nil), custom: s.Partitioner, byRecord: s.PlaceByRecord}
}

// ForTopic returns the partitioner of one topic. Franz-go calls it for one record at a time.
func (p *partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicPartitioner{partitioner: p, standard: p.standard.ForTopic(topic)}
}

type topicPartitioner struct {
	*partitioner
	standard kgo.TopicPartitioner
	last     *flight // the record that was placed last,
	choice   int     // and where
	renewed  bool    // it would begin a batch there, and is asked for again
}

// RequiresConsistency reports whether the record is placed among all partitions, those without leader too.
func (p *topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Key != nil || p.custom != nil || flightOf(r).place >= 0
}

// OnNewBatch is called between two calls of Partition for a record that would begin a batch.
func (p *topicPartitioner) OnNewBatch() {
	p.renewed = true
	if standard, ok := p.standard.(kgo.TopicPartitionerOnNewBatch); ok {
		standard.OnNewBatch()
	}
}

// Partition chooses one of n partitions. A record that may not go anywhere gets its reason.
func (p *topicPartitioner) Partition(r *kgo.Record, n int) int {
	f := flightOf(r)
	if p.renewed && p.last == f && (p.custom != nil || f.place >= 0) {
		p.renewed = false // the custom partitioner is asked once a record
		return p.choice
	}
	p.last, p.choice, p.renewed = f, p.choose(f, n), false
	return p.choice
}

func (p *topicPartitioner) choose(f *flight, n int) int {
	if f.place >= 0 {
		if int(f.place) >= n {
			f.reason = fmt.Errorf("%w: the topic has %d partitions", stream.ErrNotFound, n)
			return -1
		}
		return int(f.place)
	}
	if p.custom == nil {
		return p.standard.Partition(&f.native, n)
	}
	choice, err := p.ask(f.from, n)
	switch {
	case err != nil:
		f.reason = err
		return -1
	case choice >= n:
		f.reason = fmt.Errorf("%w: the partitioner chose partition %d of %d", stream.ErrInvalid, choice, n)
		return -1
	case choice < 0:
		return p.standard.Partition(&f.native, n)
	}
	return choice
}

// ask calls the user's partitioner and contains its panic, whose value is not told: it may hold the key.
func (p *topicPartitioner) ask(r *stream.Record, n int) (choice int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: the partitioner panicked with a %T:\n%s", stream.ErrInvalid, v, debug.Stack())
		}
	}()
	return p.custom(r, n), nil
}
