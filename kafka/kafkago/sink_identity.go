package kafkago

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/initproducerid"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// errLoss is why records fail that came after records that a partition has lost.
var errLoss = errors.New("the partition has lost records that were stored before")

// An identity is the producer that new batches are sent by. A lane takes it over, and counts from 0, with its next
// batch after it has changed: a lane has one batch under way at most, so that no older one is open then.
type identity struct {
	producer
	known   bool
	asking  bool
	refused bool // it is not given to us; err says why
	err     error
	tries   int
	until   time.Time // not asked for before
}

// ask asks for a producer number, if it is time to, and returns when to look again.
func (p *pump) ask(now time.Time) time.Time {
	i := &p.identity
	if i.asking {
		return now.Add(idleTurn)
	}
	if now.Before(i.until) {
		return i.until
	}
	i.asking = true
	p.flying++
	p.sink.wg.Go(func() {
		got := p.sink.initialise()
		p.tell(func(in *inbox) { in.identity = &got })
	})
	return now.Add(idleTurn)
}

// initialise asks a broker for a producer number (InitProducerId, KIP-98). Any broker gives one. A zero in place of -1
// would name a producer.
func (s *sink) initialise() identity {
	ctx, cancel := context.WithTimeout(s.running, s.settings.RequestOverhead)
	defer cancel()
	answer, err := s.lines.ask(ctx, "", &initproducerid.Request{
		TransactionTimeoutMs: int32(s.settings.TxTimeout.Milliseconds()), ProducerID: -1, ProducerEpoch: -1,
	})
	if err != nil {
		return identity{err: mapped(err)}
	}
	told, ok := answer.(*initproducerid.Response)
	if !ok {
		return identity{err: errUnanswered}
	}
	if told.ErrorCode != 0 {
		err := mapped(segmentio.Error(told.ErrorCode))
		refused := errors.Is(err, stream.ErrUnauthorized) || errors.Is(err, stream.ErrUnsupported)
		return identity{err: err, refused: refused}
	}
	return identity{producer: producer{id: told.ProducerID, epoch: told.ProducerEpoch}, known: true}
}

// refusal is why a topic's records get no number.
func (i identity) refusal(topic string) error {
	if code, ok := engine.CodeOf(i.err); ok {
		return refusedBy(code, topic)
	}
	return i.err
}

// identify takes in the answer. A refusal holds for what waits then.
func (p *pump) identify(got identity, now time.Time) {
	p.flying--
	got.tries = p.identity.tries + 1
	if got.known {
		got.tries = 0
	}
	got.until = now.Add(min(firstBackoff<<min(got.tries, 4), mostBackoff))
	p.identity = got
}

// number gives a batch its place in the lane's sequence, once.
func (p *pump) number(l *lane, b *batch) {
	if b.numbered {
		return
	}
	b.numbered = true
	if !p.sink.settings.Idempotent {
		b.producer, b.sequence = nobody, -1
		return
	}
	c := &l.course
	if c.producer != p.identity.producer {
		c.producer, c.sequence = p.identity.producer, 0
	}
	b.producer, b.sequence = c.producer, c.sequence
}

// advance counts what is stored.
func (p *pump) advance(l *lane, g *leg) {
	if !mutated("the sequence is not advanced") {
		l.course.sequence = after(l.course.sequence, g.count)
	}
	if g.start >= 0 {
		l.course.stored = g.start + int64(g.count) - 1
	}
}

// bump ends the sequence of a lane whose last batch may have been stored, or not: were the next one to have its number,
// a broker would take it for that one, and not store it. Batches of other lanes keep the epoch that they were sent
// with. Brokers take any higher epoch of the same producer (KIP-360), and then refuse what of the old one is still on
// its way.
func (p *pump) bump(l *lane) {
	if mutated("the epoch is not bumped") || l.course.producer != p.identity.producer {
		return
	}
	if p.identity.epoch == math.MaxInt16 {
		p.identity = identity{}
		return
	}
	p.identity.epoch++
}

// doubted takes in that a broker refuses a batch for its producer, epoch or number. It does not know the batch before
// it.
//
// What another broker has acknowledged can be gone after an unclean election. Sent again under a new epoch, the batch
// would stand after a hole that nobody was told of. So everything fails that was accepted for the partition until the
// loss was seen, in order; what is sent later is stored, and other partitions go on. What was acknowledged before
// cannot be taken back: it is told by the log.
func (p *pump) doubted(g *leg, now time.Time) {
	l, b := g.lane, g.batch
	trimmed := g.code == unknownProducer && g.start > l.course.stored
	p.bump(l)
	switch {
	case g.code == outOfOrder && l.course.stored >= 0, g.code == unknownProducer && !trimmed:
		p.sink.config.Logger.Error(
			"a partition has lost records that were stored: what waits for it fails, later records go on",
			slog.String("stream", l.topic.name), slog.Int("partition", int(l.number)))
		b.doubt = true // it is not known which records the broker has
		p.fail(l, b, fmt.Errorf("%w: %w", errLoss, g.err))
	case b.doubt && !trimmed:
		p.fail(l, b, g.err)
	default:
		// None of it is stored. It gets a number of the new epoch.
		b.numbered, b.finished = false, false
		l.course.cause = g.err
		p.again(l, now)
	}
}
