package fakekinesis

import (
	"strings"
	"time"
)

const (
	maxCreating = 5 // streams at once (CreateStream)
	minRecord   = 1024
	maxRecord   = 10240 // KiB (UpdateMaxRecordSize)
	onDemand    = "ON_DEMAND"
	provisioned = "PROVISIONED"
	distributed = "AUTO"
	byKey       = "USER_PARTITION_KEY"

	onDemandShards = 4 // 4 MB/s: what a new on-demand stream takes
)

// named reports whether a stream or consumer may have the name: [a-zA-Z0-9_.-]{1,128} (API reference, StreamName).
func named(name string) bool {
	const longest = 128
	allowed := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_.-", r)
	}
	return name != "" && len(name) <= longest && strings.IndexFunc(name, func(r rune) bool { return !allowed(r) }) < 0
}

type modeDetails struct{ StreamMode string }

type createStream struct {
	StreamName                 string
	ShardCount                 *int
	StreamModeDetails          *modeDetails
	MaxRecordSizeInKiB         *int
	RecordDistributionStrategy string
}

func (in *createStream) about() (stream, shard string) { return in.StreamName, "" }

func (in *createStream) check() *failure {
	demand := in.StreamModeDetails != nil && in.StreamModeDetails.StreamMode == onDemand
	switch {
	case !named(in.StreamName):
		return unmet("streamName", "satisfy [a-zA-Z0-9_.-]{1,128}")
	case demand && in.ShardCount != nil:
		return fail(codeValidation, "Requests to create a stream in ON_DEMAND mode must not specify ShardCount")
	case !demand && (in.ShardCount == nil || *in.ShardCount < 1):
		return fail(codeValidation, "ShardCount must be at least 1")
	case !demand && in.RecordDistributionStrategy != "":
		return fail(codeArgument, "The record distribution strategy is only supported for on-demand streams")
	case in.MaxRecordSizeInKiB != nil && (*in.MaxRecordSizeInKiB < minRecord || *in.MaxRecordSizeInKiB > maxRecord):
		return fail(codeValidation, "MaxRecordSizeInKiB must be between %d and %d", minRecord, maxRecord)
	}
	return nil
}

func (in *createStream) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	if _, err := s.find(target{StreamName: in.StreamName}, now); err == nil {
		return nil, fail(codeInUse, "Stream %s under account %s already exists.", in.StreamName, s.cfg.Account)
	}
	creating := 0
	for _, st := range s.streams {
		if st.status(now) == statusCreating {
			creating++
		}
	}
	if creating >= maxCreating {
		return nil, fail(codeLimit, "More than %d streams in the CREATING state", maxCreating)
	}
	s.make(in, now, s.settling())
	return nil, nil
}

// make adds a stream that is CREATING for so long. The caller holds the lock.
func (s *Server) make(in *createStream, now time.Time, creating time.Duration) {
	s.made++
	st := &stream{
		life: s.made, name: in.StreamName, created: now.Truncate(time.Second),
		retention: defaultRetained, recordBytes: defaultRecord,
		arn:      "arn:aws:kinesis:" + s.cfg.Region + ":" + s.cfg.Account + ":stream/" + in.StreamName,
		creating: now.Add(creating), auto: in.RecordDistributionStrategy == distributed,
	}
	shards := onDemandShards
	if in.ShardCount != nil {
		shards = *in.ShardCount
	} else {
		st.onDemand = true
	}
	if in.MaxRecordSizeInKiB != nil {
		st.recordBytes = *in.MaxRecordSizeInKiB << 10
	}
	for _, sp := range spans(shards) {
		st.grow(sp, now)
	}
	s.streams[st.name] = st
}

type deleteStream struct {
	target
	EnforceConsumerDeletion bool
}

func (in *deleteStream) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.idle(in.target, now)
	if err != nil {
		return nil, err
	}
	if len(st.readers(now)) > 0 && !in.EnforceConsumerDeletion {
		return nil, fail(codeInUse, "Stream %s under account %s has registered consumers.", st.name, s.cfg.Account)
	}
	st.deleting = now.Add(s.settling())
	return nil, nil
}
