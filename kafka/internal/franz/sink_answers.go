package franz

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// answers turns franz-go's answers into ours. Take is called by one goroutine of franz-go at a time, batch by batch and in
// the order of each partition.
//
// What it must find out is whether a record that failed was ever sent, since franz-go fails with the same error the batch
// that was refused, those in flight behind it, and those that waited. A batch that was put into a request has a first
// record that was asked for its Done, see flight. When in doubt, the outcome is unknown.
type answers struct {
	sink  *sink
	names names
	lanes map[string][]lane // by topic and partition
	topic string            // of the record before,
	lane  []lane            // and its lanes
	doubt atomic.Uint64     // the number of the last record of which a try may have been stored and was tried again
	hooks hooks
}

// A lane is what is known of a partition's failures. It is zero after a success.
type lane struct {
	err   error  // of the failing run
	until uint64 // the number of the last record that can be of the run
	sent  uint64 // the number of the last record that can be of the last batch that may have been sent,
	room  int64  // and how many bytes more it can hold
	first bool   // the present batch is the run's first one: the error is about it
}

// take is the promise of every record.
func (a *answers) take(r *kgo.Record, err error) {
	f := flightOf(r)
	name := a.names.of(r.Partition)
	l := a.laneOf(r.Topic, r.Partition)
	ack := stream.Ack{Record: f.from, Partition: name}
	// Without idempotence a try that may have been stored and was repeated may stand twice.
	ack.Duplicate = err == nil && !a.sink.settings.Idempotent && a.doubt.Load() >= f.number
	if err == nil && a.sink.settings.Acks != engine.AcksNone {
		ack.Position = engine.Position(r.Offset, -1)
	}
	if err != nil {
		err = placed("append", r.Topic, name, a.failure(f, l, err))
	} else if l.err != nil {
		*l = lane{}
	}
	done, t := f.done, f.term
	done(ack, err)
	a.sink.gate.Leave(f.size)
	t.leave()
}

// laneOf finds the lane of a partition; that of -1 is for records that were never placed.
func (a *answers) laneOf(topic string, partition int32) *lane {
	if topic != a.topic {
		a.topic, a.lane = topic, a.lanes[topic]
	}
	i := int(partition) + 1
	for i >= len(a.lane) {
		a.lane = append(a.lane, lane{})
		a.lanes[topic] = a.lane
	}
	return &a.lane[i]
}

// failure is what the caller is told.
func (a *answers) failure(f *flight, l *lane, err error) error {
	if f.reason != nil {
		return f.reason // it went nowhere
	}
	cause := a.cause(f, err)
	if f.native.Partition < 0 {
		return engine.Unsent(cause)
	}
	l.next(f, err, a.sink)
	switch {
	case f.number > l.sent || l.room < 0:
		return engine.Unsent(cause)
	case l.first && a.refused(f, cause):
		return cause
	}
	a.doubtAll() // others of the same request are tried again
	return engine.Unknown(cause)
}

// doubtAll notes that a try of any record that is under way may have been stored without an answer that says so. From then
// on a refusal says nothing about these records.
func (a *answers) doubtAll() { raise(&a.doubt, a.sink.numbers.Load()) }

// next moves the lane on to a record that failed. A record that was asked for Done begins a batch that may have been sent.
// What follows it may be of that batch, as far as it fits in, or may wait behind it. A run may begin in what an earlier one
// has claimed, so that a batch can reach beyond until: only the first record of a batch begins a run.
func (l *lane) next(f *flight, err error, s *sink) {
	asked := f.asked.Load()
	switch {
	case l.err == nil || asked != 0 && f.number > l.until:
		*l = lane{err: err, until: s.numbers.Load(), sent: asked, room: int64(s.settings.BatchBytes), first: true}
	case asked != 0:
		l.first, l.sent, l.room = false, asked, int64(s.settings.BatchBytes)
	}
	l.room -= f.size - engine.BatchOverhead
}

// refused reports whether a broker has answered about the batch, and stored nothing of it, ever.
func (a *answers) refused(f *flight, cause error) bool {
	code, ok := engine.CodeOf(cause)
	if !ok {
		return false
	}
	return code.Refuses() && a.doubt.Load() < f.number
}

// cause maps franz-go's error.
func (a *answers) cause(f *flight, err error) error {
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return errShut
	case f.term.ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrAborting)):
		return errDelivery
	case errors.Is(err, kgo.ErrAborting) && a.sink.grace > 0:
		return errOverdue
	}
	told := lacking(err, engine.TopicDenied, "WRITE", "topic "+f.native.Topic)
	if code, _ := engine.CodeOf(told); code == engine.ClusterDenied {
		// A producer number is given to whoever may write to any topic (KIP-679).
		return engine.Denied(told, "WRITE", "topic "+f.native.Topic+", or IDEMPOTENT_WRITE on the cluster")
	}
	return told
}
