package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

// Statuses of a stream (API operation DescribeStreamSummary).
const (
	active   = "ACTIVE"
	deleting = "DELETING"
)

const (
	settleFirst = 50 * time.Millisecond // between looks at a stream that is changing
	settleMost  = 2 * time.Second
	settleIn    = 10 * time.Minute // all of it; a large stream takes minutes
	mostShards  = 10_000
)

// Ensure makes a stream, or compares one that exists with what is asked. It returns when the stream can be written to and
// read from, or with ctx, at the latest after ten minutes. Zero Partitions make a provisioned stream of one shard.
func (p *Prober) Ensure(ctx context.Context, s stream.StreamConfig) error {
	if err := refuse(s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleIn)
	defer cancel()
	sum, err := p.service.Summary(ctx, s.Name)
	if errors.Is(err, stream.ErrNotFound) {
		err = p.make(ctx, s)
		if err == nil {
			return nil
		}
		if api.CodeOf(err) == api.InUse { // somebody else was faster
			sum, err = p.service.Summary(ctx, s.Name)
		}
	}
	if err != nil {
		return err
	}
	sum, err = p.settle(ctx, s.Name, sum)
	if err != nil {
		return err
	}
	return differences(s, sum)
}

// refuse is what Kinesis cannot give.
func refuse(s stream.StreamConfig) error {
	var errs []error
	no := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %w", stream.ErrUnsupported, fmt.Errorf(format, args...)))
	}
	if s.Compacted {
		no("Kinesis does not compact; keep the last value of each key in a database")
	}
	if s.Retention < 0 || s.Retention > mostRetention || s.Retention > 0 && s.Retention < leastRetention {
		no("a retention of %v: allowed are 24 h to 365 days", s.Retention)
	} else if s.Retention%time.Hour != 0 {
		no("a retention of %v: Kinesis counts in hours", s.Retention)
	}
	if s.MaxRecordBytes > mostRecordBytes || s.MaxRecordBytes > 0 && s.MaxRecordBytes < defaultRecordBytes {
		no("records of %d bytes: allowed are 1 to 10 MiB", s.MaxRecordBytes)
	} else if s.MaxRecordBytes%kib != 0 {
		no("records of %d bytes: Kinesis counts in KiB", s.MaxRecordBytes)
	}
	if s.Partitions > mostShards {
		no("%d shards: Kinesis has at most %d", s.Partitions, mostShards)
	}
	return errors.Join(errs...)
}

// make creates the stream and sets what CreateStream does not.
func (p *Prober) make(ctx context.Context, s stream.StreamConfig) error {
	err := p.service.Create(ctx, api.Creation{Name: s.Name, Shards: max(s.Partitions, 1), RecordBytes: s.MaxRecordBytes})
	if err != nil {
		return err
	}
	sum, err := p.settle(ctx, s.Name, api.Summary{})
	if err != nil {
		return err
	}
	if s.Retention != 0 && s.Retention != sum.Retention {
		err := p.change(ctx, func() error { return p.service.SetRetention(ctx, s.Name, sum.Retention, s.Retention) })
		if err != nil {
			return err
		}
	}
	if s.MaxRecordBytes != 0 && sum.RecordBytes != 0 && s.MaxRecordBytes != sum.RecordBytes {
		err := p.change(ctx, func() error { return p.service.SetRecordBytes(ctx, sum.ARN, s.MaxRecordBytes) })
		if err != nil {
			return err
		}
	}
	return p.become(ctx, s)
}

// change does something to the stream. The service refuses it while an earlier change goes on.
func (p *Prober) change(ctx context.Context, do func() error) error {
	wait := settleFirst
	for {
		err := do()
		if api.CodeOf(err) != api.InUse {
			return err
		}
		if rest(ctx, wait) != nil {
			return fmt.Errorf("the stream is not active yet: %w: %w", context.Cause(ctx), err)
		}
		wait = min(2*wait, settleMost)
	}
}

// become waits until the stream is as s says: changes are told later than they are answered.
func (p *Prober) become(ctx context.Context, s stream.StreamConfig) error {
	wait := settleFirst
	for {
		sum, err := p.settle(ctx, s.Name, api.Summary{})
		if err != nil || differences(s, sum) == nil {
			return err
		}
		if err := rest(ctx, wait); err != nil {
			return errors.Join(differences(s, sum), err)
		}
		wait = min(2*wait, settleMost)
	}
}

// settle waits until the stream is ACTIVE.
func (p *Prober) settle(ctx context.Context, name string, sum api.Summary) (api.Summary, error) {
	wait := settleFirst
	for sum.Status != active {
		var err error
		sum, err = p.service.Summary(ctx, name)
		switch {
		case err != nil && !passes(err) && !errors.Is(err, stream.ErrNotFound):
			return sum, err
		case sum.Status == deleting:
			return sum, fmt.Errorf("%w: the stream is being deleted", stream.ErrNotFound)
		case sum.Status == active:
			return sum, nil
		}
		if rest(ctx, wait) != nil {
			return sum, fmt.Errorf("the stream is not active yet (%s): %w", sum.Status, context.Cause(ctx))
		}
		wait = min(2*wait, settleMost)
	}
	return sum, nil
}

// differences are those between what is asked and what is there.
func differences(s stream.StreamConfig, sum api.Summary) error {
	var errs []error
	differs := func(what string, asked, is any) {
		errs = append(errs, fmt.Errorf("%w: the stream exists with %s %v, asked for is %v", stream.ErrInvalid, what, is, asked))
	}
	if s.Partitions != 0 && s.Partitions != sum.OpenShards {
		differs("Partitions", s.Partitions, sum.OpenShards)
	}
	if s.Retention != 0 && s.Retention != sum.Retention {
		differs("Retention", s.Retention, sum.Retention)
	}
	is, known := Facts{Summary: sum}.RecordBytes()
	if s.MaxRecordBytes != 0 && s.MaxRecordBytes != is && (known || s.MaxRecordBytes > is) {
		differs("MaxRecordBytes", s.MaxRecordBytes, is)
	}
	return errors.Join(errs...)
}
