package fakekinesis

import "time"

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
		StreamModeDetails: st.mode(), RetentionPeriodHours: int(st.retention / time.Hour), ConsumerCount: len(st.consumers),
		MaxRecordSizeInKiB: st.recordBytes >> 10, EncryptionType: st.encrypted(), EnhancedMonitoring: []struct{}{},
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
