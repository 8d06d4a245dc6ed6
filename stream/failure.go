package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"strconv"
	"time"
)

// A Policy says what Each and ByKey do with a record whose function fails: try again in place, a bounded number of times
// with growing waits, and then stop the run with the function's error, the record not passed by the checkpoint; or what
// Park, Skip or Producer says instead, at most one of them. The zero Policy tries 5 times and then stops.
//
// With Park the records of the key wait, and the first is tried again every MaxBackoff; other keys go on, and the checkpoint
// stays before it. With Producer the checkpoint passes the record once the dead letter is stored. Its headers are the
// record's own and then streamport.dead.group, .stream, .partition, .position, .attempts and .error (the class).
//
// A panic or Goexit of the function is not tried again: it stops the run whatever the policy.
type Policy struct {
	Attempts   int              // tries in all; default 5; 1: no second one
	Backoff    time.Duration    // the wait before the second try, doubling, of which a jitter takes up to half; default 100 ms
	MaxBackoff time.Duration    // the longest wait; default 10 s
	Retry      func(error) bool // whether an error is worth another try; nil: every one is
	Park       bool             // then set the record's key aside, see below; default: stop
	ParkFor    time.Duration    // with Park: how long before the run stops after all; default 5 min
	Skip       bool             // then give the record up, with an event; the checkpoint passes it
	Producer   Producer         // then send the record, see below, by this producer
	Stream     string           // and to this stream
}

// DeadLetter is a Policy that ends in a dead letter.
func DeadLetter(p Producer, stream string) Policy { return Policy{Producer: p, Stream: stream} }

// onePolicy is the policy that Each and ByKey were given, with its defaults.
func onePolicy(given []Policy) (Policy, error) {
	if len(given) > 1 {
		return Policy{}, fmt.Errorf("%w: more than one policy", ErrInvalid)
	}
	var p Policy
	if len(given) == 1 {
		p = given[0]
	}
	var errs []error
	if p.Attempts < 0 || p.Backoff < 0 || p.MaxBackoff < 0 || p.ParkFor < 0 {
		errs = append(errs, fmt.Errorf("%w: a policy with a negative number", ErrInvalid))
	}
	if (p.Producer == nil) != (p.Stream == "") {
		errs = append(errs, fmt.Errorf("%w: a dead letter needs a producer and a stream", ErrInvalid))
	}
	if p.Park && p.Skip || p.Park && p.Producer != nil || p.Skip && p.Producer != nil {
		errs = append(errs, fmt.Errorf("%w: a policy that parks, skips and sends dead letters at once", ErrInvalid))
	}
	if p.Attempts == 0 {
		p.Attempts = 5
	}
	if p.Backoff == 0 {
		p.Backoff = 100 * time.Millisecond
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = 10 * time.Second
	}
	if p.ParkFor == 0 {
		p.ParkFor = 5 * time.Minute
	}
	return p, errors.Join(errs...)
}

// A verdict is what a policy makes of a record.
type verdict uint8

const (
	settled   verdict = iota // the checkpoint may pass it
	interrupt                // the hold ends meanwhile: the record is left to the next one
	park                     // its key is to be set aside
)

// handle runs f on rec as the policy says. An error stops the run.
func (y *Policy) handle(ctx context.Context, p *Partition, rec *Record, f func(context.Context, *Record) error) (verdict, error) {
	for attempt := 1; ; attempt++ {
		err := protect(ctx, rec, f)
		if err == nil {
			return settled, nil
		}
		if fatal(err) || ctx.Err() != nil {
			return interrupt, err
		}
		if attempt >= y.Attempts || y.Retry != nil && !y.Retry(err) {
			return y.giveUp(ctx, p, rec, attempt, err)
		}
		wait := y.wait(rec, attempt)
		p.tellRecord(Event{Kind: EventRetried, Attempt: attempt, Duration: wait, Err: err}, rec)
		if !p.pause(ctx, wait) {
			return interrupt, nil
		}
	}
}

func (y *Policy) giveUp(ctx context.Context, p *Partition, rec *Record, attempts int, cause error) (verdict, error) {
	e := Event{Attempt: attempts, Err: cause}
	switch {
	case y.Park:
		e.Kind = EventParked
		p.tellRecord(e, rec)
		return park, cause
	case y.Skip:
		e.Kind = EventSkipped
	case y.Producer != nil:
		if mutated("dead letter comes after the checkpoint") {
			p.Done(rec)
			_ = p.savePrefix(ctx)
		}
		if err := y.Producer.Send(ctx, y.deadLetter(p, rec, attempts, cause)); err != nil {
			return interrupt, fmt.Errorf("%w; and the dead letter was not stored: %w", cause, err)
		}
		e.Kind = EventDeadLettered
	case mutated("failed record is passed"):
		return settled, nil
	default:
		return interrupt, fmt.Errorf("at %v, after %d tries: %w", rec.Position, attempts, cause)
	}
	p.tellRecord(e, rec)
	return settled, nil
}

func (y *Policy) deadLetter(p *Partition, rec *Record, attempts int, cause error) *Record {
	const prefix = "streamport.dead."
	headers := append([]Header(nil), rec.Headers...)
	for _, h := range [...]struct{ key, value string }{
		{"group", p.key.Group}, {"stream", rec.Stream}, {"partition", rec.Partition}, {"position", rec.Position.String()},
		{"attempts", strconv.Itoa(attempts)}, {"error", errorClass(cause)},
	} {
		headers = append(headers, Header{Key: prefix + h.key, Value: []byte(h.value)})
	}
	return &Record{Stream: y.Stream, Key: rec.Key, Value: rec.Value, Headers: headers, Time: rec.Time}
}

// wait is the back-off after the attempt-th try. The jitter comes from the record's place, so that a replay waits as long.
func (y *Policy) wait(rec *Record, attempt int) time.Duration {
	wait := y.Backoff
	for i := 1; i < attempt && wait < y.MaxBackoff; i++ {
		wait *= 2
	}
	wait = min(wait, y.MaxBackoff)
	h := fnv.New32a()
	fmt.Fprint(h, rec.Partition, rec.Position, attempt)
	return wait - time.Duration(float64(wait)/2*float64(h.Sum32())/(1<<32))
}

// tellRecord tells an event about one record.
func (p *Partition) tellRecord(e Event, rec *Record) {
	e.Stream, e.Partition, e.Position = p.Stream, p.Name, rec.Position
	p.run.observer.tell(e)
}

// protect runs f and makes its panic an error. A Goexit goes on: it ends the goroutine, and its owner sees that.
func protect(ctx context.Context, rec *Record, f func(context.Context, *Record) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return f(ctx, rec)
}

// fatal errors are nobody's to try again: the function panicked, or the partition is lost.
func fatal(err error) bool {
	var panicked *panicError
	return errors.As(err, &panicked) || errors.Is(err, ErrLost)
}

// errorClass names an error without what it says: a message may quote a record.
func errorClass(err error) string {
	for _, class := range [...]error{
		ErrLost, ErrExpired, ErrUnknownOutcome, ErrUnsupported, ErrClosed, ErrTooLarge, ErrInvalid, ErrThrottled,
		ErrUnauthorized, ErrNotFound, ErrCorrupt, ErrGrace, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, class) {
			return class.Error()
		}
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}
