package fakekinesis

import "time"

const maxGet = 10000 // records of a GetRecords

type getRecords struct {
	target
	ShardIterator string
	Limit         *int
	DryRun        bool

	from cursor
}

type gotRecord struct {
	SequenceNumber              string
	ApproximateArrivalTimestamp stamp
	Data                        []byte
	PartitionKey                string `json:",omitempty"`
	EncryptionType              string `json:",omitempty"`
}

type childShard struct {
	ShardId      string
	ParentShards []string
	HashKeyRange hashRange
}

type gotRecords struct {
	Records            []gotRecord
	NextShardIterator  string `json:",omitempty"`
	MillisBehindLatest int64
	ChildShards        []childShard `json:",omitempty"`
}

func (in *getRecords) about() (stream, shard string) {
	if !unseal(in.ShardIterator, &in.from) {
		return "", ""
	}
	return in.from.Stream, in.from.Shard
}

func (in *getRecords) check() *failure {
	if in.Limit != nil && *in.Limit < 1 {
		return unmet("limit", "have value greater than or equal to 1")
	}
	if in.Limit != nil && *in.Limit > maxGet {
		return fail(codeArgument, "Limit exceeds %d", maxGet)
	}
	if in.from.Stream == "" {
		return fail(codeArgument, "Invalid ShardIterator.")
	}
	return nil
}

func (in *getRecords) do(s *Server, o outcome, now time.Time) (any, *failure) {
	p := in.from
	st, err := s.reach(target{StreamName: p.Stream, StreamARN: in.StreamARN}, now)
	if err != nil {
		return nil, err
	}
	if p.Life != st.life {
		return nil, fail(codeNotFound, "Stream %s under account %s not found.", p.Stream, s.cfg.Account)
	}
	sh, err := s.lookup(st, p.Shard)
	if err != nil {
		return nil, err
	}
	if now.Sub(time.UnixMilli(p.Made)) > iteratorLiving {
		return nil, fail(codeOldIterator, "Iterator expired. The iterator was created more than 5 minutes ago.")
	}
	if s.cfg.Limits && !sh.reads.allow(now) {
		return nil, fail(codeThroughput, "%s", s.throttling(st, sh))
	}
	if in.DryRun {
		return nil, fail(codeDryRun, "Request would have succeeded, but DryRun flag is set.")
	}
	p, rest := sh.resume(p)
	limit := maxGet
	if in.Limit != nil {
		limit = *in.Limit
	}
	n, size := fill(rest, limit, maxResponse)
	if o.is(Empty) || s.cfg.Gaps > 0 && chance(mix(o.draw, 1), s.cfg.Gaps) {
		n, size = 0, 0
	}
	if s.cfg.Limits {
		sh.reads.count(now, size, n < len(rest) && n < limit && n > 0)
	}
	p.Next += int64(n)
	out := gotRecords{Records: st.show(rest[:n]), MillisBehindLatest: behind(rest[n:], now)}
	// The last records of a closed shard come with or before the end: the documentation allows both.
	if over := len(rest) == n && !sh.closed.IsZero(); over && (n == 0 || o.draw%2 == 0) {
		out.ChildShards = sh.heirs()
		return out, nil
	}
	p.Made = now.UnixMilli()
	out.NextShardIterator = seal(p)
	return out, nil
}

// fill is how many of the records an answer takes, and their bytes. One always fits.
func fill(rest []record, limit, bytes int) (n, size int) {
	for n < len(rest) && n < limit {
		more := rest[n].size()
		if n > 0 && size+more > bytes {
			break
		}
		size += more
		n++
	}
	return n, size
}

// behind is MillisBehindLatest where these are the records not yet read: how long the first of them has waited.
func behind(rest []record, now time.Time) int64 {
	if len(rest) == 0 {
		return 0
	}
	return max(now.Sub(rest[0].arrival).Milliseconds(), 1)
}

// show is what an answer says of records.
func (st *stream) show(records []record) []gotRecord {
	out := make([]gotRecord, len(records))
	for i := range records {
		r := &records[i]
		out[i] = gotRecord{
			SequenceNumber: r.text, ApproximateArrivalTimestamp: stamp{r.arrival}, Data: r.data, PartitionKey: r.key,
			EncryptionType: st.encryption,
		}
	}
	return out
}

// heirs is what the end of a closed shard says of the shards that replace it.
func (s *shard) heirs() []childShard {
	var all []childShard
	for _, c := range s.children {
		h := childShard{ShardId: c.id, HashKeyRange: c.span.listed()}
		for _, p := range c.parents {
			h.ParentShards = append(h.ParentShards, p.id)
		}
		all = append(all, h)
	}
	return all
}
