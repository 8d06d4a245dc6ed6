package fakekinesis

import "time"

type splitShard struct {
	target
	ShardToSplit       string
	NewStartingHashKey string
}

func (in *splitShard) about() (stream, shard string) { return in.name(), in.ShardToSplit }

func (in *splitShard) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.reshardable(in.target, now)
	if err != nil {
		return nil, err
	}
	sh, err := s.openShard(st, in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	from, ok := parseHash(in.NewStartingHashKey)
	if !ok || !sh.span.contains(from) || from == sh.span.first {
		return nil, fail(codeArgument, "NewStartingHashKey %s is not a valid hash key for splitting shard %s of stream %s.",
			in.NewStartingHashKey, sh.id, st.name)
	}
	st.update(now, s.settling(), func(at time.Time) {
		if sh.closed.IsZero() { // a test may have been faster
			st.split(sh, from, at)
		}
	})
	return nil, nil
}

type mergeShards struct {
	target
	ShardToMerge         string
	AdjacentShardToMerge string
}

func (in *mergeShards) about() (stream, shard string) { return in.name(), in.ShardToMerge }

func (in *mergeShards) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.reshardable(in.target, now)
	if err != nil {
		return nil, err
	}
	a, err := s.openShard(st, in.ShardToMerge)
	if err != nil {
		return nil, err
	}
	b, err := s.openShard(st, in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	if !adjacent(a, b) {
		return nil, fail(codeArgument, "Shards %s and %s of stream %s are not an adjacent pair.", a.id, b.id, st.name)
	}
	st.update(now, s.settling(), func(at time.Time) {
		if a.closed.IsZero() && b.closed.IsZero() {
			st.merge(a, b, at)
		}
	})
	return nil, nil
}

// adjacent reports whether "the union of the hash key ranges for the two shards form a contiguous set with no gaps"
// (MergeShards).
func adjacent(a, b *shard) bool {
	if b.span.first.compare(a.span.first) < 0 {
		a, b = b, a
	}
	return a != b && a.span.last != lastHash && a.span.last.next() == b.span.first
}

// reshardable finds a stream that can be split, merged or scaled: "only supported for the data streams with the provisioned
// capacity mode".
func (s *Server) reshardable(t target, now time.Time) (*stream, *failure) {
	st, err := s.idle(t, now)
	if err == nil && st.onDemand {
		return nil, fail(codeValidation, "The operation is only supported for streams in the PROVISIONED mode")
	}
	return st, err
}

// openShard finds a shard that is not closed.
func (s *Server) openShard(st *stream, id string) (*shard, *failure) {
	sh, err := s.lookup(st, id)
	if err == nil && !sh.closed.IsZero() {
		return nil, fail(codeArgument, "Shard %s in stream %s under account %s is not open", id, st.name, s.cfg.Account)
	}
	return sh, err
}
