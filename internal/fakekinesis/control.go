package fakekinesis

import (
	"fmt"
	"slices"
	"time"
)

// The controls change a stream at once, without the protocol, its limits and the script. They report only what the test got
// wrong: a stream or shard that is not there.

// A Stored is a record as the service keeps it.
type Stored struct {
	Shard, Sequence, Key string
	Data                 []byte
	Arrival              time.Time
}

// Create makes an ACTIVE stream; shards 0: on demand.
func (s *Server) Create(name string, shards int) error {
	in := &createStream{StreamName: name}
	if shards > 0 {
		in.ShardCount = &shards
	} else {
		in.StreamModeDetails = &modeDetails{StreamMode: onDemand}
	}
	if err := in.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[name] != nil {
		return fmt.Errorf("stream %s exists", name)
	}
	s.make(in, time.Now(), 0)
	return nil
}

// Split divides an open shard in the middle and returns its children.
func (s *Server) Split(name, id string) (lower, upper string, err error) {
	err = s.with(name, func(st *stream, now time.Time) error {
		sh := st.shard(id)
		if sh == nil || !sh.closed.IsZero() || sh.span.first == sh.span.last {
			return fmt.Errorf("shard %s cannot be split", id)
		}
		a, b := st.split(sh, sh.span.middle(), now)
		lower, upper = a.id, b.id
		return nil
	})
	return lower, upper, err
}

// Merge joins two open shards that are adjacent and returns their child.
func (s *Server) Merge(name, id, other string) (child string, err error) {
	err = s.with(name, func(st *stream, now time.Time) error {
		a, b := st.shard(id), st.shard(other)
		if a == nil || b == nil || !a.closed.IsZero() || !b.closed.IsZero() || !adjacent(a, b) {
			return fmt.Errorf("shards %s and %s cannot be merged", id, other)
		}
		child = st.merge(a, b, now).id
		return nil
	})
	return child, err
}

// Trim drops all but the newest keep records of a shard. A closed shard that is left without records vanishes.
func (s *Server) Trim(name, id string, keep int) error {
	return s.with(name, func(st *stream, now time.Time) error {
		sh := st.shard(id)
		if sh == nil {
			return fmt.Errorf("no shard %s", id)
		}
		sh.drop(max(len(sh.records)-keep, 0))
		if len(sh.records) == 0 && !sh.closed.IsZero() {
			sh.expire(now)
		}
		return nil
	})
}

// Auto lets the service distribute records itself, on demand, or by their keys again.
func (s *Server) Auto(name string, on bool) error {
	return s.with(name, func(st *stream, _ time.Time) error {
		st.onDemand, st.auto = st.onDemand || on, on
		return nil
	})
}

// Encrypt sets the encryption that answers tell: KMS or NONE.
func (s *Server) Encrypt(name, encryption string) error {
	return s.with(name, func(st *stream, _ time.Time) error {
		st.encryption = encryption
		return nil
	})
}

// Drop deletes a stream at once, with all it holds.
func (s *Server) Drop(name string) error {
	return s.with(name, func(st *stream, now time.Time) error {
		s.remove(st, now)
		return nil
	})
}

// ListingLag makes ListShards and descriptions answer as of so long ago from now on, besides Config.Lag.
func (s *Server) ListingLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// Records are the records that a shard holds, in order; shard "" is all shards, one after the other.
func (s *Server) Records(name, id string) ([]Stored, error) {
	var all []Stored
	err := s.with(name, func(st *stream, _ time.Time) error {
		for _, sh := range st.shards {
			if id != "" && id != sh.id {
				continue
			}
			for i := range sh.records {
				r := &sh.records[i]
				all = append(all, Stored{Shard: sh.id, Sequence: r.text, Key: r.key, Data: r.data, Arrival: r.arrival})
			}
		}
		return nil
	})
	return all, err
}

// OpenShards are the ids of the shards that take records, in the order of the hash space.
func (s *Server) OpenShards(name string) ([]string, error) {
	var ids []string
	err := s.with(name, func(st *stream, _ time.Time) error {
		for _, sh := range st.open() {
			ids = append(ids, sh.id)
		}
		return nil
	})
	return ids, err
}

// Streams are the names of all streams.
func (s *Server) Streams() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for n := range s.streams {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// with does something to a stream, settled, under the lock.
func (s *Server) with(name string, do func(st *stream, now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	st, err := s.find(target{StreamName: name}, now)
	if err != nil {
		return err
	}
	return do(st, now)
}

// Error tells the failure of a control.
func (f *failure) Error() string { return f.code + ": " + f.message }
