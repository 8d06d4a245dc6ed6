package kafkago

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	produced "github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A request carries batches of partitions that one broker leads, one of each.
type request struct {
	broker   int32
	legs     []leg
	deadline time.Time // of the first batch that has one
	throttle time.Duration
}

// A leg is a batch in a request, and what came of it.
type leg struct {
	lane    *lane
	batch   *batch
	payload *payload
	outcome fate
	err     error       // if it is not stored
	code    engine.Code // of the broker's answer, if there was one
	start   int64       // of the log, as the broker said
	count   int
}

// A fate is what came of a try.
type fate int

const (
	fateAgain fate = iota // it is tried again
	fateStored
	fateFailed // it fails
)

// errWithdrawn is what kafka-go finds that comes to write a batch after its request was given up.
var errWithdrawn = errors.New("the request was given up before it was written")

// A payload is a batch's bytes as kafka-go writes them, and tells whether it did. It is for one try.
type payload struct {
	bytes []byte
	state atomic.Int32
}

// The states of a payload.
const (
	payloadReady int32 = iota
	payloadUnderWay
	payloadWritten // into kafka-go's own memory, and from there perhaps into a connection
	payloadWithdrawn
)

// WriteTo writes the bytes, unless they were withdrawn.
func (t *payload) WriteTo(w io.Writer) (int64, error) {
	if !t.state.CompareAndSwap(payloadReady, payloadUnderWay) {
		return 0, errWithdrawn
	}
	n, err := w.Write(t.bytes)
	t.state.Store(payloadWritten)
	return int64(n), err
}

// Read is not used: kafka-go's record sets write themselves.
func (t *payload) Read([]byte) (int, error) { return 0, errWithdrawn }

// withdraw keeps the bytes from being written, and reports whether they were, and whether somebody still reads them.
func (t *payload) withdraw() (written, held bool) {
	if t.state.CompareAndSwap(payloadReady, payloadWithdrawn) {
		return false, false
	}
	return true, t.state.Load() == payloadUnderWay
}

// run sends the request, answers what is stored, and tells the pump.
func (r *request) run(s *sink) {
	r.send(s)
	for i := range r.legs {
		l := &r.legs[i]
		if l.outcome == fateStored {
			l.lane.answer(l.batch, l.start)
		}
	}
	s.pump.finish(r)
}

// send makes one try.
func (r *request) send(s *sink) {
	message, err := r.message(s)
	if err != nil {
		for i := range r.legs {
			r.legs[i].outcome, r.legs[i].err = fateFailed, fmt.Errorf("%w: compressing: %w", stream.ErrInvalid, err)
		}
		return
	}
	began := time.Now()
	limit := began.Add(s.settings.ProduceTimeout + s.settings.RequestOverhead)
	if r.deadline.Before(limit) {
		limit = r.deadline
	}
	ctx, cancel := context.WithDeadline(s.running, limit)
	defer cancel()
	answer, err := s.lines.transport(nil).RoundTrip(ctx, s.lines.seeds(), message)
	for i := range r.legs {
		r.legs[i].withdraw(err)
	}
	if err != nil {
		return
	}
	if s.settings.Acks == engine.AcksNone {
		for i := range r.legs {
			r.legs[i].outcome, r.legs[i].start = fateStored, -1
		}
	} else if told, ok := answer.(*produced.Response); ok {
		r.read(told)
		r.throttle = time.Duration(told.ThrottleTimeMs) * time.Millisecond
	}
	r.observe(s, time.Since(began))
}

// withdraw ends the try. Without an answer a batch that was written may be stored.
func (l *leg) withdraw(err error) {
	written, held := l.payload.withdraw()
	l.batch.sent = l.batch.sent || written
	l.batch.held = l.batch.held || held
	if err == nil {
		err = errUnanswered
	}
	l.outcome, l.err = fateAgain, mapped(err)
	l.code = unanswered
	if !written {
		l.code = untold
	}
}

// What a leg has instead of a code.
const (
	unanswered engine.Code = -1000 // it may have been stored
	untold     engine.Code = -1001 // nothing was sent
)

// errUnanswered is why a batch is sent again that a broker's answer left out.
var errUnanswered = errors.New("the broker did not answer for the partition")

// message is what kafka-go sends.
func (r *request) message(s *sink) (protocol.Message, error) {
	m := &rawproduce.Request{Timeout: int32(s.settings.ProduceTimeout.Milliseconds())}
	switch s.settings.Acks {
	case engine.AcksAll:
		m.Acks = -1
	case engine.AcksLeader:
		m.Acks = 1
	}
	payloads := make([]payload, len(r.legs))
	for i := range r.legs {
		l := &r.legs[i]
		if err := l.batch.finish(&s.codec, &s.buffers); err != nil {
			return nil, err
		}
		l.payload = &payloads[i]
		l.payload.bytes = l.batch.bytes
		l.count = len(l.batch.items)
		name := l.lane.topic.name
		if n := len(m.Topics); n == 0 || m.Topics[n-1].Topic != name {
			m.Topics = append(m.Topics, rawproduce.RequestTopic{Topic: name})
		}
		t := &m.Topics[len(m.Topics)-1]
		t.Partitions = append(t.Partitions, rawproduce.RequestPartition{
			Partition: l.lane.number, RecordSet: protocol.RawRecordSet{Reader: l.payload},
		})
	}
	return m, nil
}

// read finds the answer of each leg.
func (r *request) read(told *produced.Response) {
	at := 0
	for i := range told.Topics {
		t := &told.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			for range r.legs {
				l := &r.legs[at]
				at = (at + 1) % len(r.legs)
				if l.lane.number == p.Partition && l.lane.topic.name == t.Topic {
					l.judge(p)
					break
				}
			}
		}
	}
}

// judge reads the broker's answer.
func (l *leg) judge(p *produced.ResponsePartition) {
	code := engine.Code(p.ErrorCode)
	l.code, l.start = code, p.BaseOffset
	switch {
	case code == 0:
		l.outcome, l.err = fateStored, nil
		return
	case code == duplicateSequence: // of a batch that the broker knows to be stored, and no longer where
		l.outcome, l.err, l.start = fateStored, nil, -1
		return
	}
	l.err, l.start = refusedBy(code, l.lane.topic.name), p.LogStartOffset
	if !isPassingCode(code) {
		l.outcome = fateFailed
	}
}

// observe tells what the sink's owner listens for.
func (r *request) observe(s *sink, took time.Duration) {
	if r.throttle > 0 {
		s.config.Observe(stream.Event{Kind: stream.EventThrottled, Member: s.config.Member, Duration: r.throttle})
	}
	if !s.config.Observed {
		return
	}
	for i := range r.legs {
		l := &r.legs[i]
		if l.outcome == fateStored {
			s.config.Observe(stream.Event{
				Kind: stream.EventProduced, Member: s.config.Member, Stream: l.lane.topic.name, Partition: l.lane.name,
				Records: l.count, Bytes: int64(l.batch.plain), Duration: took,
			})
		}
	}
}
