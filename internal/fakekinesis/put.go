package fakekinesis

import (
	"time"
	"unicode/utf8"
)

const (
	maxEntries   = 500      // records of a PutRecords
	maxRequest   = 10 * mib // "including partition keys"
	maxKeyRunes  = 256      // "Unicode strings, with a maximum length limit of 256 characters for each key"
	maxBlob      = 10 * mib
	entryFailure = "InternalFailure"
)

type putEntry struct {
	Data            []byte
	PartitionKey    string
	ExplicitHashKey string

	hash hash
}

// check refuses what no stream takes, and finds where the record belongs.
func (e *putEntry) check() *failure {
	switch {
	case e.Data == nil:
		return unmet("data", "not be null")
	case len(e.Data) > maxBlob:
		return unmet("data", "have length less than or equal to %d", maxBlob)
	case utf8.RuneCountInString(e.PartitionKey) > maxKeyRunes:
		return unmet("partitionKey", "have length less than or equal to %d", maxKeyRunes)
	case e.ExplicitHashKey == "":
		e.hash = hashOf(e.PartitionKey)
		return nil
	}
	var ok bool
	if e.hash, ok = parseHash(e.ExplicitHashKey); !ok {
		return fail(codeArgument, "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1].")
	}
	return nil
}

// fits refuses what the stream does not take.
func (e *putEntry) fits(st *stream) *failure {
	if e.PartitionKey == "" && !st.auto {
		return unmet("partitionKey", "not be null")
	}
	if len(e.Data)+len(e.PartitionKey) > st.recordBytes {
		return fail(codeValidation, "Record size exceeds the stream's maximum of %d KiB", st.recordBytes>>10)
	}
	return nil
}

type putRecord struct {
	target
	putEntry
	SequenceNumberForOrdering string
	DryRun                    bool
}

type putResult struct {
	ShardId        string `json:",omitempty"`
	SequenceNumber string `json:",omitempty"`
	ErrorCode      string `json:",omitempty"`
	ErrorMessage   string `json:",omitempty"`
	EncryptionType string `json:",omitempty"`
}

func (in *putRecord) check() *failure {
	if err := in.target.check(); err != nil {
		return err
	}
	return in.putEntry.check()
}

func (in *putRecord) do(s *Server, o outcome, now time.Time) (any, *failure) {
	st, err := s.reach(in.target, now)
	if err != nil {
		return nil, err
	}
	if err := in.fits(st); err != nil {
		return nil, err
	}
	sh := st.place(st.open(), in.hash)
	if in.SequenceNumberForOrdering != "" {
		if err := sh.follows(in.SequenceNumberForOrdering, st); err != nil {
			return nil, err
		}
	}
	if in.DryRun {
		return nil, fail(codeDryRun, "Request would have succeeded, but DryRun flag is set.")
	}
	if o.is(FailEntries) && o.fault.fails(0, o.draw) {
		return nil, fail(o.fault.code(), "scripted")
	}
	r := s.put(st, sh, &in.putEntry, o, now)
	if r.ErrorCode != "" {
		return nil, fail(r.ErrorCode, "%s", r.ErrorMessage)
	}
	r.EncryptionType = st.encryption
	return r, nil
}

// follows refuses a number that a record of the same client cannot have had.
func (s *shard) follows(text string, st *stream) *failure {
	if st.auto {
		return fail(codeArgument, "SequenceNumberForOrdering is not supported with the AUTO record distribution strategy")
	}
	seq, ok := parseSequence(text)
	if !ok {
		return fail(codeArgument, "SequenceNumberForOrdering %s is invalid", text)
	}
	if seq.shard() == s.index && makeSequence(s.born, s.count, s.latest.Unix(), s.index).compare(seq) < 0 {
		return fail(codeArgument, "SequenceNumberForOrdering %s is not a sequence number of the shard", text)
	}
	return nil
}

type putRecords struct {
	target
	Records []putEntry
	DryRun  bool
}

type putResults struct {
	FailedRecordCount int
	Records           []putResult
	EncryptionType    string `json:",omitempty"`
}

func (in *putRecords) check() *failure {
	if err := in.target.check(); err != nil {
		return err
	}
	if n := len(in.Records); n < 1 || n > maxEntries {
		return unmet("records", "have length between 1 and %d", maxEntries)
	}
	total := 0
	for i := range in.Records {
		e := &in.Records[i]
		if err := e.check(); err != nil {
			return err
		}
		total += len(e.Data) + len(e.PartitionKey)
	}
	if total > maxRequest {
		return fail(codeArgument, "Records size exceeds %d bytes", maxRequest)
	}
	return nil
}

func (in *putRecords) do(s *Server, o outcome, now time.Time) (any, *failure) {
	st, err := s.reach(in.target, now)
	if err != nil {
		return nil, err
	}
	for i := range in.Records {
		if err := in.Records[i].fits(st); err != nil {
			return nil, err
		}
	}
	if in.DryRun {
		return nil, fail(codeDryRun, "Request would have succeeded, but DryRun flag is set.")
	}
	out := putResults{Records: make([]putResult, len(in.Records)), EncryptionType: st.encryption}
	open := st.open()
	for i := range in.Records {
		e := &in.Records[i]
		sh := st.place(open, e.hash)
		r := &out.Records[i]
		if o.is(FailEntries) && (o.fault.OnShard == "" || o.fault.OnShard == sh.id) && o.fault.fails(i, o.draw) {
			r.ErrorCode, r.ErrorMessage = o.fault.code(), s.throttling(st, sh)
		} else {
			*r = s.put(st, sh, e, o, now)
		}
		if r.ErrorCode != "" {
			out.FailedRecordCount++
		}
	}
	return out, nil
}

// place is the shard that takes a record: "If the stream uses the AUTO record distribution strategy, the partition key
// is optional and any value you provide is ignored".
func (st *stream) place(open []*shard, h hash) *shard {
	if st.auto {
		st.turn++
		return open[mix(st.turn)%uint64(len(open))]
	}
	return route(open, h)
}

// put stores a record, if the shard has room.
func (s *Server) put(st *stream, sh *shard, e *putEntry, o outcome, now time.Time) putResult {
	if s.cfg.Limits && !sh.writes.take(now, len(e.Data)+len(e.PartitionKey)) {
		return putResult{ErrorCode: codeThroughput, ErrorMessage: s.throttling(st, sh)}
	}
	key := e.PartitionKey
	if st.auto {
		key = ""
	}
	arrival := now.Truncate(time.Millisecond) // "The time stamp has millisecond precision" (GetRecords)
	if s.cfg.Jitter > 0 {
		arrival = arrival.Add(-time.Duration(mix(o.draw, sh.count) % uint64(s.cfg.Jitter)))
	}
	return putResult{ShardId: sh.id, SequenceNumber: sh.append(key, e.Data, now, arrival, !s.cfg.Discard)}
}

// throttling is the message of a record's failure.
func (s *Server) throttling(st *stream, sh *shard) string {
	return "Rate exceeded for shard " + sh.id + " in stream " + st.name + " under account " + s.cfg.Account + "."
}
