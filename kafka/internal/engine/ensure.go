package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/streamport-go/streamport/stream"
)

const (
	maxTopicName = 249 // longer names do not fit into the names of files
	ensureTries  = 20  // a topic that is being deleted exists for those who make it, and not for those who ask for it
	ensurePause  = 100 * time.Millisecond
)

// Ensure makes a topic, or finds that it is there and as asked: the rules of stream.Ensurer. Of two that make it at a
// time the later one compares. It returns when every broker that is alive knows the topic and the leaders of its
// partitions. The number of replicas is the brokers' default.
func Ensure(ctx context.Context, a Admin, s stream.StreamConfig) error {
	if err := checkStream(s); err != nil {
		return err
	}
	for range ensureTries {
		t, err := a.Topic(ctx, s.Name)
		if err == nil {
			return errors.Join(differs(t, s), a.AwaitTopic(ctx, s.Name))
		}
		if !errors.Is(err, stream.ErrNotFound) {
			return err
		}
		if err := a.CreateTopic(ctx, newTopic(s)); !errors.Is(err, ErrExists) {
			return refused(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(ensurePause):
		}
	}
	return errors.New("the brokers say that the topic exists, and tell nothing of it; it may be under deletion")
}

// CheckName refuses what is no topic's name, by the brokers' own rules.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > maxTopicName {
		return fmt.Errorf("%w: %.80q is no stream name: 1 to %d letters, digits, '.', '_' and '-'",
			stream.ErrInvalid, name, maxTopicName)
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

// checkStream refuses what no broker can give.
func checkStream(s stream.StreamConfig) error {
	var errs []error
	bad := func(kind error, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %w", kind, fmt.Errorf(format, args...)))
	}
	if err := CheckName(s.Name); err != nil {
		errs = append(errs, err)
	}
	if s.Partitions < 0 || s.Partitions > math.MaxInt32 {
		bad(stream.ErrInvalid, "%d partitions, allowed are 1 to %d", s.Partitions, math.MaxInt32)
	}
	if s.Retention > 0 && s.Retention%time.Millisecond != 0 {
		bad(stream.ErrUnsupported, "a retention of %v is no whole number of milliseconds", s.Retention)
	}
	switch {
	case s.MaxRecordBytes < 0:
		bad(stream.ErrInvalid, "records of %d bytes", s.MaxRecordBytes)
	case s.MaxRecordBytes > mostMessageBytes:
		bad(stream.ErrUnsupported, "records of %d bytes are over the most, %d", s.MaxRecordBytes, mostMessageBytes)
	}
	if s.Compacted && s.Retention > 0 {
		bad(stream.ErrInvalid, "a compacted stream keeps records whatever their age: no retention goes with it")
	}
	return errors.Join(errs...)
}

// newTopic leaves out what was not asked for, so that the brokers' defaults hold.
func newTopic(s stream.StreamConfig) NewTopic {
	t := NewTopic{Name: s.Name, Partitions: int32(s.Partitions), Configs: map[string]string{}}
	if s.MaxRecordBytes > 0 {
		t.Configs["max.message.bytes"] = strconv.FormatInt(s.MaxRecordBytes, 10)
	}
	if s.Compacted {
		t.Configs["cleanup.policy"] = "compact"
	}
	if s.Retention != 0 && !s.Compacted {
		t.Configs["cleanup.policy"] = "delete" // the brokers' default could be to compact, and ages would not count
		t.Configs["retention.ms"] = "-1"
		if s.Retention > 0 {
			t.Configs["retention.ms"] = strconv.FormatInt(s.Retention.Milliseconds(), 10)
		}
	}
	return t
}

// refused says ErrUnsupported of what the brokers, or their policy, do not give.
func refused(err error) error {
	var code *KafkaError
	if !errors.As(err, &code) {
		return err
	}
	switch code.Code {
	case InvalidPartitions, InvalidReplication, InvalidConfig, PolicyViolation:
		return fmt.Errorf("%w: %w", stream.ErrUnsupported, code)
	}
	return err
}

// differs reports every field of s in which the topic is not as asked. What cannot be compared is an error as well.
func differs(t Topic, s stream.StreamConfig) error {
	var errs []error
	is := func(field string, have, want any) {
		errs = append(errs, fmt.Errorf("%w: the stream exists with %s %v, not %v", stream.ErrInvalid, field, have, want))
	}
	if n := len(t.Partitions); s.Partitions != 0 && s.Partitions != n {
		is("Partitions", n, s.Partitions)
	}
	if s.Retention == 0 && s.MaxRecordBytes == 0 && !s.Compacted {
		return errors.Join(errs...)
	}
	if t.ConfigsErr != nil {
		return errors.Join(append(errs, fmt.Errorf("the stream exists, and cannot be compared: %w", t.ConfigsErr))...)
	}
	f := facts{topic: t}
	if keep, err := f.kept(); s.Retention != 0 && err != nil {
		errs = append(errs, err)
	} else if asked := max(s.Retention, -1); asked != 0 && asked != keep {
		is("Retention", keep, asked)
	}
	if size, unknown := f.topicNumber("max.message.bytes"); s.MaxRecordBytes != 0 && unknown != "" {
		errs = append(errs, errors.New(unknown))
	} else if s.MaxRecordBytes != 0 && s.MaxRecordBytes != size {
		is("MaxRecordBytes", size, s.MaxRecordBytes)
	}
	if compacts, _, unknown := f.policy(); s.Compacted && unknown != "" {
		errs = append(errs, errors.New(unknown))
	} else if s.Compacted && !compacts {
		is("Compacted", compacts, s.Compacted)
	}
	return errors.Join(errs...)
}

// kept is the topic's retention as StreamConfig spells it: -1 is whatever their age.
func (f facts) kept() (time.Duration, error) {
	r := f.retention()
	switch {
	case r.Source == "":
		return 0, errors.New(r.Reason)
	case r.Unlimited:
		return -1, nil
	}
	return r.Current, nil
}
