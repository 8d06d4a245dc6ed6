package fakekinesis

import (
	"slices"
	"time"
)

const (
	maxListed   = 1000              // shards in an answer: "at most 1000 results are returned"
	tokenLiving = 300 * time.Second // "Tokens expire after 300 seconds"
)

// Types of filters (ShardFilter).
const (
	afterShard      = "AFTER_SHARD_ID"
	atTrimHorizon   = "AT_TRIM_HORIZON"
	fromTrimHorizon = "FROM_TRIM_HORIZON"
	atLatest        = "AT_LATEST"
	filterAtTime    = "AT_TIMESTAMP"
	filterFromTime  = "FROM_TIMESTAMP"
)

var filters = []string{afterShard, atTrimHorizon, fromTrimHorizon, atLatest, filterAtTime, filterFromTime}

type shardFilter struct {
	Type      string
	ShardId   string
	Timestamp *stamp
}

type listShards struct {
	target
	NextToken               string
	ExclusiveStartShardId   string
	MaxResults              *int
	StreamCreationTimestamp *stamp
	ShardFilter             *shardFilter
}

type hashRange struct{ StartingHashKey, EndingHashKey string }

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type listedShard struct {
	ShardId               string
	ParentShardId         string `json:",omitempty"`
	AdjacentParentShardId string `json:",omitempty"`
	HashKeyRange          hashRange
	SequenceNumberRange   sequenceRange
}

type listedShards struct {
	Shards    []listedShard
	NextToken string `json:",omitempty"`
}

func (in *listShards) about() (stream, shard string) {
	if t, ok := parseToken(in.NextToken); ok {
		return t.Stream, ""
	}
	return in.name(), ""
}

func (in *listShards) check() *failure {
	if in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > 10000) {
		return fail(codeValidation, "MaxResults must be between 1 and 10000")
	}
	if in.NextToken != "" {
		if in.StreamName != "" || in.StreamARN != "" || in.ExclusiveStartShardId != "" || in.StreamCreationTimestamp != nil ||
			in.ShardFilter != nil {
			return fail(codeArgument, "NextToken and other selectors cannot be provided together.")
		}
		return nil
	}
	if err := in.target.check(); err != nil {
		return err
	}
	return in.ShardFilter.check()
}

func (f *shardFilter) check() *failure {
	if f == nil {
		return nil
	}
	byTime := f.Type == filterAtTime || f.Type == filterFromTime
	switch {
	case !slices.Contains(filters, f.Type):
		return fail(codeValidation, "unknown type of ShardFilter")
	case (f.Type == afterShard) != (f.ShardId != ""):
		return fail(codeArgument, "ShardId goes with the type AFTER_SHARD_ID, and only with it")
	case byTime != (f.Timestamp != nil):
		return fail(codeArgument, "Timestamp goes with the types AT_TIMESTAMP and FROM_TIMESTAMP, and only with them")
	}
	return nil
}

func (in *listShards) do(s *Server, o outcome, now time.Time) (any, *failure) {
	t, err := s.page(in.NextToken, in.name(), now)
	if err != nil {
		return nil, err
	}
	if in.NextToken == "" {
		t.After, t.Filter = in.ExclusiveStartShardId, in.ShardFilter
	}
	in.target = target{StreamName: t.Stream, StreamARN: in.StreamARN}
	st, err := s.find(in.target, now)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Life != 0 && t.Life != st.life,
		in.StreamCreationTimestamp != nil && in.StreamCreationTimestamp.Unix() != st.created.Unix():
		return nil, fail(codeNotFound, "Stream %s under account %s not found.", st.name, s.cfg.Account)
	case st.status(now) == statusCreating:
		return nil, s.busy(st, now)
	}
	t.Life = st.life
	all := st.list(s.asOf(st, o, now), now, t)
	if o.is(Partial) {
		all = omit(all, o)
	}
	return cut(all, in.MaxResults, t, now), nil
}

// omit leaves out the shards of a Partial fault.
func omit(all []listedShard, o outcome) []listedShard {
	ids := o.fault.Omit
	if len(ids) == 0 && len(all) > 0 {
		ids = []string{all[mix(o.draw)%uint64(len(all))].ShardId}
	}
	return slices.DeleteFunc(all, func(l listedShard) bool { return slices.Contains(ids, l.ShardId) })
}

// cut is a page of a listing.
func cut(all []listedShard, limit *int, t token, now time.Time) listedShards {
	n := maxListed
	if limit != nil {
		n = min(*limit, maxListed)
	}
	if len(all) <= n {
		return listedShards{Shards: all}
	}
	t.After, t.Made = all[n-1].ShardId, now.UnixMilli()
	return listedShards{Shards: all[:n], NextToken: seal(t)}
}

// list is what is to be seen of the stream's shards at a moment, from the token on, by id.
func (st *stream) list(at, now time.Time, t token) []listedShard {
	listed := []listedShard{}
	horizon := now.Add(-st.retention)
	for _, sh := range st.shards {
		there, open := sh.existed(at)
		if there && sh.id > t.After && t.Filter.admits(sh, open, at, horizon) {
			listed = append(listed, sh.describe(open))
		}
	}
	return listed
}

// admits reports whether the filter lets a shard through.
func (f *shardFilter) admits(sh *shard, open bool, at, horizon time.Time) bool {
	if f == nil {
		return true
	}
	switch f.Type {
	case afterShard:
		return sh.id > f.ShardId
	case atLatest:
		return open
	case atTrimHorizon: // "all the shards that were open at TRIM_HORIZON"
		return !sh.opened.After(horizon) || len(sh.parents) == 0 || sh.orphan(at)
	case filterAtTime:
		return !sh.opened.After(f.Timestamp.Time) && (open || !sh.closed.Before(f.Timestamp.Time))
	case filterFromTime:
		return open || !sh.closed.Before(f.Timestamp.Time)
	}
	return true
}

// orphan reports whether all parents are gone at a moment: the shard's beginning is then the oldest that can be read of
// its part of the space.
func (s *shard) orphan(at time.Time) bool {
	for _, p := range s.parents {
		if there, _ := p.existed(at); there {
			return false
		}
	}
	return true
}

// describe is what a listing says of the shard.
func (s *shard) describe(open bool) listedShard {
	l := listedShard{
		ShardId: s.id, HashKeyRange: s.span.listed(), SequenceNumberRange: sequenceRange{StartingSequenceNumber: s.first},
	}
	if len(s.parents) > 0 {
		l.ParentShardId = s.parents[0].id
	}
	if len(s.parents) > 1 {
		l.AdjacentParentShardId = s.parents[1].id
	}
	if !open {
		l.SequenceNumberRange.EndingSequenceNumber = s.lastPlain
	}
	return l
}

func (s span) listed() hashRange { return hashRange{s.first.String(), s.last.String()} }

// A token goes on with a listing.
type token struct {
	Stream string
	Life   int64
	After  string
	Filter *shardFilter
	Made   int64 // unix milliseconds
}

func parseToken(text string) (token, bool) {
	var t token
	return t, text != "" && unseal(text, &t)
}

// page is the token of a request for a listing of the stream, or a new one. The caller holds the lock.
func (s *Server) page(text, stream string, now time.Time) (token, *failure) {
	if text == "" {
		return token{Stream: stream}, nil
	}
	t, ok := parseToken(text)
	if !ok {
		return t, fail(codeArgument, "NextToken is invalid")
	}
	if now.Sub(time.UnixMilli(t.Made)) > tokenLiving {
		return t, fail(codeOldToken, "NextToken is expired")
	}
	return t, nil
}
