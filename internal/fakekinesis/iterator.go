package fakekinesis

import "time"

const iteratorLiving = 5 * time.Minute // "A shard iterator expires 5 minutes after it is returned to the requester"

// Types of iterators (GetShardIterator).
const (
	atSequence    = "AT_SEQUENCE_NUMBER"
	afterSequence = "AFTER_SEQUENCE_NUMBER"
	atTimestamp   = "AT_TIMESTAMP"
	trimHorizon   = "TRIM_HORIZON"
	latest        = "LATEST"
)

type getIterator struct {
	target
	ShardId                string
	ShardIteratorType      string
	StartingSequenceNumber string
	Timestamp              *stamp
	DryRun                 bool
}

// A cursor is where reading a shard goes on.
type cursor struct {
	Stream string
	Life   int64
	Shard  string
	Next   int64 // the number of the record
	Since  int64 // unless 0: not before a record that arrives at this time or later, unix milliseconds
	Made   int64 // unix milliseconds
}

func (in *getIterator) about() (stream, shard string) { return in.name(), in.ShardId }

func (in *getIterator) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.reach(in.target, now)
	if err != nil {
		return nil, err
	}
	sh, err := s.lookup(st, in.ShardId)
	if err != nil {
		return nil, err
	}
	if s.cfg.Limits && !sh.reads.seeks.take(now, shardReads) {
		return nil, fail(codeThroughput, "%s", s.throttling(st, sh))
	}
	p, err := s.begin(st, sh, in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp, now)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, fail(codeDryRun, "Request would have succeeded, but DryRun flag is set.")
	}
	return struct{ ShardIterator string }{seal(p)}, nil
}

// begin is where a type of iterator points to. A position that is trimmed goes on at the oldest record.
func (s *Server) begin(st *stream, sh *shard, kind, number string, t *stamp, now time.Time) (cursor, *failure) {
	p := cursor{Stream: st.name, Life: st.life, Shard: sh.id, Made: now.UnixMilli()}
	switch kind {
	case trimHorizon:
		p.Next = sh.base
	case latest:
		p.Next = sh.end()
	case atTimestamp:
		if t == nil {
			return p, fail(codeArgument, "Must specify Timestamp parameter for iterator of type AT_TIMESTAMP.")
		}
		p.Next = sh.since(t.Time)
		if t.After(now) {
			p.Since = t.UnixMilli()
		}
	case atSequence, afterSequence:
		seq, ok := parseSequence(number)
		if !ok || seq.shard() != sh.index || seq.born() != sh.born {
			return p, fail(codeArgument, "StartingSequenceNumber %s used on shard %s of stream %s did not come from this shard.",
				number, sh.id, st.name)
		}
		p.Next = sh.find(func(r *record) bool {
			c := r.seq.compare(seq)
			return c > 0 || c == 0 && kind == atSequence
		})
	default:
		return p, fail(codeValidation, "unknown type of iterator")
	}
	return p, nil
}

// resume returns the records from p on. A cursor in the future becomes one in the shard when its time has come.
func (s *shard) resume(p cursor) (cursor, []record) {
	var rest []record
	p.Next, rest = s.at(p.Next)
	if p.Since == 0 {
		return p, rest
	}
	since := time.UnixMilli(p.Since)
	for i := range rest {
		if !rest[i].arrival.Before(since) {
			p.Next, p.Since = p.Next+int64(i), 0
			return p, rest[i:]
		}
	}
	p.Next = s.end()
	return p, nil
}
