package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// maxName is the longest name of a stream: Kafka allows 249 bytes, Kinesis 128.
const (
	maxName        = 249
	maxKinesisName = 128
)

// EnsureStream makes the stream, or finds that it is there and as asked.
func (b *Backend) EnsureStream(ctx context.Context, s stream.StreamConfig) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.call(ctx, OpEnsure, Where{Stream: s.Name}, 0, func() error { return b.make(ctx, []stream.StreamConfig{s}) })
}

// make makes all the streams, or finds them as asked, and reports every mistake.
func (b *Backend) make(_ context.Context, configs []stream.StreamConfig) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return fault("ensure", "", "", stream.ErrClosed)
	}
	var errs []error
	for _, c := range configs {
		errs = append(errs, fault("ensure", c.Name, "", b.makeOne(c)))
	}
	return errors.Join(errs...)
}

func (b *Backend) makeOne(c stream.StreamConfig) error {
	if err := errors.Join(b.checkStream(c)...); err != nil {
		return err
	}
	topics := *b.topics.Load()
	if t := topics[c.Name]; t != nil {
		return t.differs(c)
	}
	if c.Partitions == 0 {
		c.Partitions = b.defaultPartitions()
	}
	if c.Retention == 0 {
		c.Retention = b.traits.retention
	}
	if c.MaxRecordBytes == 0 {
		c.MaxRecordBytes = b.traits.recordBytes
	}
	t := newTopic(b, c)
	next := make(map[string]*topic, len(topics)+1)
	for name, old := range topics {
		next[name] = old
	}
	next[c.Name] = t
	b.topics.Store(&next)
	b.order = append(b.order, t)
	return nil
}

func (b *Backend) defaultPartitions() int {
	if b.config.Partitions > 0 {
		return b.config.Partitions
	}
	return defaultPartitions
}

// checkStream refuses what the service cannot give.
func (b *Backend) checkStream(c stream.StreamConfig) []error {
	var errs []error
	bad := func(kind error, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{kind}, args...)...))
	}
	if err := b.checkName(c.Name); err != nil {
		errs = append(errs, err)
	}
	t := b.traits
	if c.Partitions < 0 || c.Partitions > maxPartitions {
		bad(stream.ErrInvalid, "%d partitions, allowed are 1 to %d", c.Partitions, maxPartitions)
	}
	switch {
	case c.Retention < 0 && t.longest > 0:
		bad(stream.ErrUnsupported, "records cannot be kept whatever their age, %v is the most", t.longest)
	case c.Retention <= 0:
	case c.Retention < t.shortest:
		bad(stream.ErrUnsupported, "a retention of %v is under the least, %v", c.Retention, t.shortest)
	case t.longest > 0 && c.Retention > t.longest:
		bad(stream.ErrUnsupported, "a retention of %v is over the most, %v", c.Retention, t.longest)
	}
	switch {
	case c.MaxRecordBytes < 0:
		bad(stream.ErrInvalid, "records of %d bytes", c.MaxRecordBytes)
	case t.mostBytes > 0 && c.MaxRecordBytes > t.mostBytes:
		bad(stream.ErrUnsupported, "records of %d bytes are over the most, %d", c.MaxRecordBytes, t.mostBytes)
	}
	if c.Compacted && !t.compacts {
		bad(stream.ErrUnsupported, "this profile has no compaction; keep the last value of each key in a database")
	}
	if c.Compacted && c.Retention > 0 {
		bad(stream.ErrInvalid, "a compacted stream keeps records whatever their age: no retention goes with it")
	}
	return errs
}

// checkName allows letters, digits, '.', '_' and '-', as Kafka and Kinesis do.
func (b *Backend) checkName(name string) error {
	longest := maxName
	if b.traits.hashed {
		longest = maxKinesisName
	}
	if name == "" || name == "." || name == ".." || len(name) > longest {
		return fmt.Errorf("%w: %.80q is no stream name: 1 to %d letters, digits, '.', '_' and '-'",
			stream.ErrInvalid, name, longest)
	}
	for _, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return fmt.Errorf("%w: %.80q is no stream name: letters, digits, '.', '_' and '-' are allowed",
				stream.ErrInvalid, name)
		}
	}
	return nil
}

// differs reports every field of c in which the stream is not as asked.
func (t *topic) differs(c stream.StreamConfig) error {
	var errs []error
	is := func(field string, have, want any) {
		errs = append(errs, fmt.Errorf("%w: the stream exists with %s %v, not %v", stream.ErrInvalid, field, have, want))
	}
	if n := len(t.routes.Load().open); c.Partitions != 0 && c.Partitions != n {
		is("Partitions", n, c.Partitions)
	}
	keep := max(time.Duration(t.keep.Load()), -1)
	if asked := max(c.Retention, -1); asked != 0 && asked != keep {
		is("Retention", keep, c.Retention)
	}
	if c.MaxRecordBytes != 0 && c.MaxRecordBytes != t.maxRecord {
		is("MaxRecordBytes", t.maxRecord, c.MaxRecordBytes)
	}
	if c.Compacted && !t.compacted {
		is("Compacted", t.compacted, c.Compacted)
	}
	return errors.Join(errs...)
}
