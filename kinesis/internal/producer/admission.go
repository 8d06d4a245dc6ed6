package producer

import (
	"fmt"
	"unicode/utf8"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/stream"
)

// maxKeyPoints is the code points that a partition key may have (API operation PutRecord).
const maxKeyPoints = 256

// An admission is a record that may be accepted.
type admission struct {
	outlet *outlet
	rec    *stream.Record
	sealed *aggregate.Sealed // what stands in an aggregate for it; nil: it is a plain Kinesis record
	size   int64             // as the service counts it
	loose  bool              // it has no key, and no order
}

// admit finds the record's stream and checks what the service would refuse.
func (s *Sink) admit(r *stream.Record, now int64) (a admission, err error) {
	if r == nil {
		return a, fmt.Errorf("%w: the record is nil", stream.ErrInvalid)
	}
	if a.outlet, err = s.outlet(r.Stream); err != nil {
		return a, err
	}
	known := a.outlet.know(now)
	if known.err != nil {
		return a, known.err
	}
	a.rec, a.loose = r, r.Key == nil
	if a.sealed, err = s.seal(r, known.Auto); err != nil {
		return a, err
	}
	a.size = a.count()
	if a.size > known.RecordBytes {
		return a, fmt.Errorf("%w: the record counts %d bytes with its key%s, the stream allows %d",
			stream.ErrTooLarge, a.size, a.extra(), known.RecordBytes)
	}
	return a, nil
}

// count is the size of the record alone, as the service counts it: data and key.
func (a *admission) count() int64 {
	switch {
	case mutated("size without the key"):
		return int64(len(a.rec.Value))
	case a.sealed == nil:
		return int64(len(a.rec.Key) + len(a.rec.Value))
	}
	return int64(len(a.sealed.Key) + aggregate.OneSize(a.sealed.Key, a.sealed.Data, a.sealed.Tags))
}

// extra tells what else counts.
func (a *admission) extra() string {
	if a.sealed == nil {
		return ""
	}
	own := int64(len(a.sealed.Key) + len(a.sealed.Data))
	return fmt.Sprintf(" and %d of the aggregate that carries its tags", a.size-own)
}

// seal returns what stands for a record that is more than a plain Kinesis record can say, or an error if tags are not
// allowed. Where the service distributes records itself they need no key.
func (s *Sink) seal(r *stream.Record, auto bool) (*aggregate.Sealed, error) {
	why, needs := aggregate.Needs(r)
	if needs && r.Key == nil && auto && r.Value != nil && len(r.Headers) == 0 && r.Time.IsZero() {
		needs = false
	}
	nested := !needs && aggregate.IsAggregate(r.Value)
	switch {
	case !needs && !nested && s.sealer.Zip == nil:
		return nil, nil
	case !s.settings.Tags && needs:
		return nil, refusal(r, why)
	case !s.settings.Tags && nested:
		return nil, fmt.Errorf("%w: a value that is a KPL aggregate, which readers would take apart; allow tags",
			stream.ErrUnsupported)
	}
	sealed, err := s.sealer.Seal(r)
	if err != nil {
		return nil, err
	}
	if len(sealed.Tags) == 0 && !nested {
		return nil, nil // nothing was gained by compressing it
	}
	return &sealed, nil
}

// refusal is the error of a record that needs tags.
func refusal(r *stream.Record, why string) error {
	if len(r.Key) > maxKeyPoints && utf8.Valid(r.Key) && utf8.RuneCount(r.Key) > maxKeyPoints {
		return fmt.Errorf("%w: %s; shorten it, or allow tags", stream.ErrTooLarge, why)
	}
	return fmt.Errorf("%w: %s; Config.Tags lets it ride in an aggregate", stream.ErrUnsupported, why)
}
