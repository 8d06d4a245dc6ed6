package fakekinesis

import "time"

const (
	maxScalings = 10    // "more than ten times per rolling 24-hour period per stream"
	maxScaled   = 10000 // "Scale up to more than 10000 shards in a stream"
)

type updateShardCount struct {
	target
	ScalingType      string
	TargetShardCount int
}

func (in *updateShardCount) check() *failure {
	if in.ScalingType != "UNIFORM_SCALING" || in.TargetShardCount < 1 {
		return fail(codeValidation, "ScalingType must be UNIFORM_SCALING and TargetShardCount at least 1")
	}
	return in.target.check()
}

type scaled struct {
	StreamName, StreamARN               string
	CurrentShardCount, TargetShardCount int
}

func (in *updateShardCount) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.reshardable(in.target, now)
	if err != nil {
		return nil, err
	}
	was, to := len(st.open()), in.TargetShardCount
	switch {
	case to > 2*was:
		return nil, fail(codeArgument, "UpdateShardCount cannot scale up over double. Current: %d Target: %d", was, to)
	case 2*to < was:
		return nil, fail(codeArgument, "UpdateShardCount cannot scale down below half. Current: %d Target: %d", was, to)
	case to > maxScaled:
		return nil, fail(codeLimit, "Target shard count exceeds %d", maxScaled)
	case s.cfg.Limits && !within(&st.scalings, now, maxScalings):
		return nil, fail(codeLimit, "Stream %s has been scaled %d times within 24 hours", st.name, maxScalings)
	}
	st.update(now, s.settling(), func(at time.Time) { st.scale(to, at) })
	return scaled{st.name, st.arn, was, to}, nil
}

// scale makes n even shards: "Kinesis Data Streams performs splits or merges on individual shards. This can cause
// short-lived shards to be created, in addition to the final shards."
func (st *stream) scale(n int, now time.Time) {
	want := spans(n)
	for _, w := range want[1:] {
		if sh := route(st.open(), w.first); sh.span.first != w.first {
			st.split(sh, w.first, now)
		}
	}
	for _, w := range want {
		for {
			sh := route(st.open(), w.first)
			if sh.span.last == w.last {
				break
			}
			st.merge(sh, route(st.open(), sh.span.last.next()), now)
		}
	}
}
