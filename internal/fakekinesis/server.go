package fakekinesis

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Config says what service there is. The zero Config is one without limits a second in which nothing goes wrong.
type Config struct {
	Seed    uint64
	Account string // 12 digits; default 123456789012
	Region  string // default us-east-1

	// Limits switches on what the service takes and gives a second: of a shard, of its readers, of the control plane. The
	// limits of a request always hold.
	Limits bool

	// Script says what goes wrong; default one of its own, see Server.Script.
	Script *Script

	// Settling is how long a stream is CREATING, UPDATING or DELETING, and a consumer CREATING or DELETING; default 200 ms.
	// Below 0: no time at all.
	Settling time.Duration

	// Lag is how far behind ListShards may be, by seed; default 0.
	Lag time.Duration
	// Gaps is the share of GetRecords calls that find nothing though there is more to read; default 0.
	Gaps float64
	// Jitter is up to how much earlier than it came a record's arrival is told, by seed, so that arrivals are not in
	// order; default 0.
	Jitter time.Duration
	// Discard keeps no record: puts are answered and forgotten. For benchmarks of producers.
	Discard bool
}

// A Server is a Kinesis Data Streams of one account and region. Methods may be called from many goroutines.
type Server struct {
	cfg    Config
	script *Script

	requests atomic.Uint64

	mu      sync.Mutex // guards what follows
	streams map[string]*stream
	control map[string]*window
	lag     time.Duration // of listings, set by a test
	made    int64         // streams, ever
}

// New makes a service without streams.
func New(cfg Config) *Server {
	if cfg.Account == "" {
		cfg.Account = "123456789012"
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Settling == 0 {
		cfg.Settling = 200 * time.Millisecond
	}
	if cfg.Script == nil {
		cfg.Script = NewScript(cfg.Seed)
	}
	return &Server{cfg: cfg, script: cfg.Script, streams: map[string]*stream{}, control: map[string]*window{}}
}

// Script is what goes wrong at the service.
func (s *Server) Script() *Script { return s.script }

// Ops counts the calls of each operation.
func (s *Server) Ops() map[string]int { return s.script.Ops() }

// RoundTripper is the service as a transport: whatever address a request names, the service answers it.
func (s *Server) RoundTripper() http.RoundTripper { return roundTripper{s} }

// Client is an HTTP client whose transport is the service.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.RoundTripper()} }

// settling is how long d takes to come about.
func (s *Server) settling() time.Duration { return max(s.cfg.Settling, 0) }

// find returns the stream that t names, settled. The caller holds the lock.
func (s *Server) find(t target, now time.Time) (*stream, *failure) {
	name := t.name()
	st := s.streams[name]
	if st != nil && !st.deleting.IsZero() && !now.Before(st.deleting) {
		s.remove(st, now)
		st = nil
	}
	if st == nil || t.StreamARN != "" && t.StreamARN != st.arn {
		return nil, fail(codeNotFound, "Stream %s under account %s not found.", name, s.cfg.Account)
	}
	st.settle(now)
	return st, nil
}

// reach is find for reading and writing: "You should perform read and write operations only on an ACTIVE stream"
// (CreateStream); these work while it is UPDATING or DELETING.
func (s *Server) reach(t target, now time.Time) (*stream, *failure) {
	st, err := s.find(t, now)
	if err == nil && st.status(now) == statusCreating {
		return nil, fail(codeNotFound, "Stream %s under account %s not found.", st.name, s.cfg.Account)
	}
	return st, err
}

// idle is find for changes: they need an ACTIVE stream.
func (s *Server) idle(t target, now time.Time) (*stream, *failure) {
	st, err := s.find(t, now)
	if err == nil && st.status(now) != statusActive {
		return nil, s.busy(st, now)
	}
	return st, err
}

// busy is the failure of what needs another state of the stream.
func (s *Server) busy(st *stream, now time.Time) *failure {
	return fail(codeInUse, "Stream %s under account %s not ACTIVE, instead in state %s", st.name, s.cfg.Account, st.status(now))
}

// remove lets a stream be gone. The caller holds the lock.
func (s *Server) remove(st *stream, now time.Time) {
	delete(s.streams, st.name)
	for _, sh := range st.shards {
		if sh.expired.IsZero() {
			sh.expire(now)
		}
	}
}

// lookup is the shard with the id.
func (s *Server) lookup(st *stream, id string) (*shard, *failure) {
	if sh := st.shard(id); sh != nil {
		return sh, nil
	}
	return nil, fail(codeNotFound, "Could not find shard %s in stream %s under account %s.", id, st.name, s.cfg.Account)
}
