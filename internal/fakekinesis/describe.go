package fakekinesis

import (
	"maps"
	"slices"
	"time"
)

const maxDescribed = 100 // shards or streams of an answer, by default (DescribeStream, ListStreams)

type describeSummary struct{ target }

type summary struct {
	StreamName, StreamARN, StreamStatus string
	StreamCreationTimestamp             stamp
	StreamModeDetails                   modeDetails
	RetentionPeriodHours                int
	OpenShardCount                      int
	ConsumerCount                       int
	MaxRecordSizeInKiB                  int
	EncryptionType                      string
	RecordDistributionStrategy          string     `json:",omitempty"`
	EnhancedMonitoring                  []struct{} // none
}

func (in *describeSummary) do(s *Server, o outcome, now time.Time) (any, *failure) {
	st, err := s.find(in.target, now)
	if err != nil {
		return nil, err
	}
	sum := summary{
		StreamName: st.name, StreamARN: st.arn, StreamStatus: st.status(now), StreamCreationTimestamp: stamp{st.created},
		StreamModeDetails: st.mode(), RetentionPeriodHours: int(st.retention / time.Hour),
		ConsumerCount: len(st.readers(now)), MaxRecordSizeInKiB: st.recordBytes >> 10,
		EncryptionType: st.encrypted(), EnhancedMonitoring: []struct{}{},
		RecordDistributionStrategy: st.strategy(),
	}
	at := s.asOf(st, o, now)
	for _, sh := range st.shards {
		if _, open := sh.existed(at); open {
			sum.OpenShardCount++
		}
	}
	return struct{ StreamDescriptionSummary summary }{sum}, nil
}

type describeStream struct {
	target
	ExclusiveStartShardId string
	Limit                 *int
}

type description struct {
	StreamName, StreamARN, StreamStatus string
	StreamCreationTimestamp             stamp
	StreamModeDetails                   modeDetails
	RetentionPeriodHours                int
	EncryptionType                      string
	EnhancedMonitoring                  []struct{} // none
	HasMoreShards                       bool
	Shards                              []listedShard
}

func (in *describeStream) do(s *Server, o outcome, now time.Time) (any, *failure) {
	st, err := s.find(in.target, now)
	if err != nil {
		return nil, err
	}
	limit := maxDescribed
	if in.Limit != nil {
		limit = max(*in.Limit, 1)
	}
	d := description{
		StreamName: st.name, StreamARN: st.arn, StreamStatus: st.status(now), StreamCreationTimestamp: stamp{st.created},
		StreamModeDetails: st.mode(), RetentionPeriodHours: int(st.retention / time.Hour), EncryptionType: st.encrypted(),
		EnhancedMonitoring: []struct{}{}, Shards: st.list(s.asOf(st, o, now), now, token{After: in.ExclusiveStartShardId}),
	}
	if len(d.Shards) > limit {
		d.Shards, d.HasMoreShards = d.Shards[:limit], true
	}
	return struct{ StreamDescription description }{d}, nil
}

type listStreams struct {
	ExclusiveStartStreamName string
	Limit                    *int
}

func (in *listStreams) about() (stream, shard string) { return "", "" }

func (in *listStreams) check() *failure { return nil }

func (in *listStreams) do(s *Server, _ outcome, _ time.Time) (any, *failure) {
	limit := maxDescribed
	if in.Limit != nil {
		limit = max(*in.Limit, 1)
	}
	out := struct {
		StreamNames    []string
		HasMoreStreams bool
	}{StreamNames: []string{}}
	for _, name := range slices.Sorted(maps.Keys(s.streams)) {
		if name <= in.ExclusiveStartStreamName {
			continue
		}
		if len(out.StreamNames) == limit {
			out.HasMoreStreams = true
			break
		}
		out.StreamNames = append(out.StreamNames, name)
	}
	return out, nil
}

func (st *stream) mode() modeDetails {
	if st.onDemand {
		return modeDetails{onDemand}
	}
	return modeDetails{provisioned}
}

// strategy is "only present for streams that use the on-demand capacity mode" (StreamDescriptionSummary).
func (st *stream) strategy() string {
	switch {
	case !st.onDemand:
		return ""
	case st.auto:
		return distributed
	}
	return byKey
}

func (st *stream) encrypted() string {
	if st.encryption == "" {
		return "NONE"
	}
	return st.encryption
}

// asOf is the moment of which a description or listing tells: now, or earlier where the service lags.
func (s *Server) asOf(st *stream, o outcome, now time.Time) time.Time {
	lag := s.lag
	if s.cfg.Lag > 0 {
		lag += time.Duration(mix(o.draw) % uint64(s.cfg.Lag))
	}
	if o.is(Stale) {
		lag += o.fault.Age
	}
	at := now.Add(-lag)
	if first := st.shards[0].opened; at.Before(first) {
		return first
	}
	return at
}
