package kafkago

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// An arrival is a record that is being appended.
type arrival struct {
	item
	topic    *topic
	body     int64 // its size as the first record of a batch
	place    int32 // the partition that the record must go to, or -1
	at       time.Time
	accepted bool // before the sink was closed
}

// millis is the record's time as it is sent.
func (a *arrival) millis() int64 {
	if a.from.Time.IsZero() {
		return a.at.UnixMilli()
	}
	return a.from.Time.UnixMilli()
}

// refuse answers a record that was not accepted.
func (a *arrival) refuse(err error) {
	a.done(stream.Ack{Record: a.from}, placed("append", a.from.Stream, "", err))
}

// drop answers a record that has its space and goes nowhere.
func (s *sink) drop(a *arrival, err error) {
	a.refuse(err)
	s.gate.Leave(a.size)
}

// admit checks what brokers would refuse, notes the partition that the record asks for, and counts its size.
func (s *sink) admit(r *stream.Record, a *arrival, now time.Time) error {
	*a = arrival{} // it may have been another record's
	if r == nil {
		return fmt.Errorf("%w: the record is nil", stream.ErrInvalid)
	}
	if len(s.config.Streams) > 0 && !slices.Contains(s.config.Streams, r.Stream) {
		return fmt.Errorf("%w: the producer was not opened for this stream", stream.ErrUnsupported)
	}
	if r.Stream != "" && r.Stream[0] == '^' {
		return errPattern
	}
	if second := r.Time.Unix(); second >= endOfTime {
		return fmt.Errorf("%w: the record's time is after April 2262, which clients that count nanoseconds read as another",
			stream.ErrInvalid)
	}
	a.place = -1
	if s.settings.PlaceByRecord && r.Partition != "" {
		number, err := strconv.ParseInt(r.Partition, 10, 32)
		if err != nil || number < 0 {
			return fmt.Errorf("%w: Partition is no number", stream.ErrInvalid)
		}
		a.place = int32(number)
	}
	var err error
	if a.topic, err = s.know(r.Stream); err != nil {
		return err
	}
	a.body = engine.RecordSize(r)
	a.size = engine.BatchOverhead + lengthened(a.body)
	if limit := a.topic.limit(now); a.size > limit {
		return fmt.Errorf("%w: the record needs a batch of %d bytes, %d are allowed", stream.ErrTooLarge, a.size, limit)
	}
	return nil
}

// endOfTime is the second in which nanoseconds since 1970 overflow, which many clients count.
const endOfTime = math.MaxInt64 / int64(time.Second)
