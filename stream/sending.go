package stream

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
)

// sending is one call of Send that waits for its records. An answer that is good costs one atomic operation; the calls
// of done may come in any order from any goroutine.
type sending struct {
	recs     []*Record       // a copy: the caller's slice is the caller's again when Send returns early
	answered []atomic.Uint64 // a bit a record
	full     atomic.Int64    // words of answered that are complete
	few      [2]atomic.Uint64

	mu       sync.Mutex // guards what follows
	failures Failures
	all      chan struct{} // closed when every word is complete; nil: nobody waits for that
}

func newSending(recs []*Record) *sending {
	s := &sending{recs: append([]*Record(nil), recs...)}
	if words := (len(recs) + 63) / 64; words <= len(s.few) {
		s.answered = s.few[:words]
	} else {
		s.answered = make([]atomic.Uint64, words)
	}
	return s
}

func (s *sending) done(ack Ack, err error) {
	if err != nil {
		s.mu.Lock()
		s.failures = append(s.failures, failure{Record: ack.Record, Err: wrap("send", streamOf(ack.Record), ack.Partition, err)})
		s.mu.Unlock()
	}
	for {
		word, bit := s.find(ack.Record)
		if bit == 0 {
			return // a second answer, against the rules of Sink: the first one counts
		}
		old := s.answered[word].Or(bit)
		if old&bit != 0 {
			continue // the same record, passed twice, was answered at this moment
		}
		if old|bit == s.mask(word) && s.full.Add(1) == int64(len(s.answered)) {
			s.announce()
		}
		return
	}
}

// announce tells whoever waits that every record is answered.
func (s *sending) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != nil {
		close(s.all)
	}
}

// await returns a channel that is closed when every record is answered, or nil if that is so already.
func (s *sending) await() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete() {
		return nil
	}
	s.all = make(chan struct{})
	return s.all
}

func (s *sending) complete() bool { return s.full.Load() == int64(len(s.answered)) }

// find gives the place of the record among those that are not answered; bit is 0 if there is none. Most answers come in
// order, so the first place that is open is tried first; a record that was passed twice has two places.
func (s *sending) find(rec *Record) (word int, bit uint64) {
	start := int(s.full.Load())
	if start < len(s.answered) {
		free := bits.TrailingZeros64(^s.answered[start].Load())
		if i := start*64 + free; free < 64 && i < len(s.recs) && s.recs[i] == rec {
			return start, 1 << free
		}
	}
	for i, r := range s.recs {
		if r == rec && s.answered[i/64].Load()&(1<<(i%64)) == 0 {
			return i / 64, 1 << (i % 64)
		}
	}
	return 0, 0
}

// mask has a bit for each record of the word.
func (s *sending) mask(word int) uint64 {
	if rest := len(s.recs) - word*64; rest < 64 {
		return 1<<rest - 1
	}
	return ^uint64(0)
}

func (s *sending) wait(ctx context.Context) error {
	if s.complete() {
		return s.result(nil)
	}
	all := s.await()
	if all == nil {
		return s.result(nil)
	}
	select {
	case <-all:
		return s.result(nil)
	case <-ctx.Done():
		return s.result(context.Cause(ctx))
	}
}

// result adds the records that have no answer, if cause says why they were not waited for.
func (s *sending) result(cause error) error {
	s.mu.Lock()
	failures := append(Failures(nil), s.failures...)
	s.mu.Unlock()
	if cause != nil {
		for i, rec := range s.recs {
			if s.answered[i/64].Load()&(1<<(i%64)) != 0 {
				continue
			}
			err := fmt.Errorf("%w: no answer yet: %w", ErrUnknownOutcome, cause)
			failures = append(failures, failure{Record: rec, Err: wrap("send", rec.Stream, "", err)})
		}
	}
	if len(failures) == 0 {
		return nil
	}
	return failures
}
