package fakekinesis

import "time"

const (
	minRetained    = 24   // hours (DecreaseStreamRetentionPeriod)
	maxRetained    = 8760 // hours (IncreaseStreamRetentionPeriod)
	modeSwitches   = 2    // a stream, within a day
	rollingPeriods = 24 * time.Hour
)

type retention struct {
	target
	RetentionPeriodHours int
}

func (in *retention) check() *failure {
	if in.RetentionPeriodHours < minRetained || in.RetentionPeriodHours > maxRetained {
		return fail(codeArgument, "Retention period must be between %d and %d hours", minRetained, maxRetained)
	}
	return in.target.check()
}

// set changes the retention at once. What is trimmed by then stays so: finding the stream has trimmed it.
func (in *retention) set(s *Server, now time.Time, may func(from, to time.Duration) bool) (any, *failure) {
	st, err := s.idle(in.target, now)
	if err != nil {
		return nil, err
	}
	to := time.Duration(in.RetentionPeriodHours) * time.Hour
	if !may(st.retention, to) {
		return nil, fail(codeArgument, "Requested retention period (%d hours) does not fit the existing one (%d hours)",
			in.RetentionPeriodHours, int(st.retention/time.Hour))
	}
	st.retention = to
	st.update(now, s.settling(), func(time.Time) {})
	return nil, nil
}

type increaseRetention struct{ retention }

// do raises: "Must be more than the current retention period".
func (in *increaseRetention) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	return in.set(s, now, func(from, to time.Duration) bool { return to > from })
}

type decreaseRetention struct{ retention }

// do lowers: "Must be less than the current retention period".
func (in *decreaseRetention) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	return in.set(s, now, func(from, to time.Duration) bool { return to < from })
}

type updateRecordSize struct {
	target
	MaxRecordSizeInKiB int
}

// check refuses sizes out of range: "UpdateMaxRecordSize sends back an ValidationException message".
func (in *updateRecordSize) check() *failure {
	if in.MaxRecordSizeInKiB < minRecord || in.MaxRecordSizeInKiB > maxRecord {
		return fail(codeValidation, "MaxRecordSizeInKiB must be between %d and %d", minRecord, maxRecord)
	}
	return in.target.check()
}

func (in *updateRecordSize) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.idle(in.target, now)
	if err != nil {
		return nil, err
	}
	st.update(now, s.settling(), func(time.Time) { st.recordBytes = in.MaxRecordSizeInKiB << 10 })
	return nil, nil
}

type updateMode struct {
	target
	StreamModeDetails *modeDetails
}

func (in *updateMode) check() *failure {
	if m := in.StreamModeDetails; m == nil || m.StreamMode != onDemand && m.StreamMode != provisioned {
		return fail(codeValidation, "StreamMode must be PROVISIONED or ON_DEMAND")
	}
	return in.target.check()
}

func (in *updateMode) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.idle(in.target, now)
	if err != nil {
		return nil, err
	}
	demand := in.StreamModeDetails.StreamMode == onDemand
	if st.auto && !demand {
		return nil, fail(codeArgument, "The AUTO record distribution strategy is only supported for on-demand streams")
	}
	if s.cfg.Limits && !within(&st.modeSwitches, now, modeSwitches) {
		return nil, fail(codeLimit, "The mode of stream %s has been switched %d times within 24 hours", st.name, modeSwitches)
	}
	st.update(now, s.settling(), func(time.Time) { st.onDemand = demand })
	return nil, nil
}

// within counts what may happen limit times in 24 hours.
func within(times *[]time.Time, now time.Time, limit int) bool {
	kept := (*times)[:0]
	for _, t := range *times {
		if now.Sub(t) < rollingPeriods {
			kept = append(kept, t)
		}
	}
	*times = kept
	if len(kept) >= limit {
		return false
	}
	*times = append(kept, now)
	return true
}

type updateDistribution struct {
	target
	RecordDistributionStrategy string
}

func (in *updateDistribution) check() *failure {
	if in.RecordDistributionStrategy != distributed && in.RecordDistributionStrategy != byKey {
		return fail(codeValidation, "RecordDistributionStrategy must be AUTO or USER_PARTITION_KEY")
	}
	return in.target.check()
}

// do switches at once: "the change takes effect immediately"; "Attempting to set AUTO on a provisioned stream results in an
// InvalidArgumentException".
func (in *updateDistribution) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.idle(in.target, now)
	if err != nil {
		return nil, err
	}
	if !st.onDemand {
		return nil, fail(codeArgument, "The record distribution strategy is only supported for on-demand streams")
	}
	st.auto = in.RecordDistributionStrategy == distributed
	return nil, nil
}
