package producer

import (
	"context"
	"sync"

	"github.com/streamport-go/streamport/stream"
)

// A space bounds the records, and their bytes, that a sink has accepted and not answered. Whoever finds none waits in
// line. Methods may be called from many goroutines.
type space struct {
	mostRecords, mostBytes int64

	mu             sync.Mutex // guards what follows
	records, bytes int64
	line           []chan struct{} // closed when it is their turn to try
	shut           bool
}

func newSpace(records int, bytes int64) *space {
	return &space{mostRecords: max(int64(records), 1), mostBytes: max(bytes, 1)}
}

// enter takes space for as many of the admissions as there is, at least for one, and tells whether it has waited. It
// calls stalled before it waits.
func (s *space) enter(ctx context.Context, all []admission, stalled func()) (n int, waited bool, err error) {
	var turn chan struct{}
	for {
		n, next, err := s.try(all, turn)
		if n > 0 || err != nil {
			return n, turn != nil, err
		}
		if turn == nil {
			stalled()
		}
		turn = next
		select {
		case <-turn:
		case <-ctx.Done():
			s.abandon(turn)
			return 0, true, ctx.Err()
		}
	}
}

// try takes what fits, or returns a place at the end of the line, or at its head for whoever has waited there already.
func (s *space) try(all []admission, turn chan struct{}) (int, chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return 0, nil, stream.ErrClosed
	}
	n := 0
	if turn != nil || len(s.line) == 0 {
		n = s.take(all)
	}
	if n > 0 {
		s.wake()
		return n, nil, nil
	}
	place := make(chan struct{})
	if turn != nil {
		s.line = append([]chan struct{}{place}, s.line...)
	} else {
		s.line = append(s.line, place)
	}
	return 0, place, nil
}

// take takes what fits. A record that is larger than all bytes passes when nothing else is inside.
func (s *space) take(all []admission) int {
	n := 0
	for n < len(all) && s.records < s.mostRecords {
		size := min(all[n].size, s.mostBytes)
		if s.bytes+size > s.mostBytes {
			break
		}
		s.records++
		s.bytes += size
		n++
	}
	return n
}

// leave gives back the space of records. Bytes counts each as at most mostBytes.
func (s *space) leave(records int, bytes int64) {
	if records == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records -= int64(records)
	s.bytes -= bytes
	s.wake()
}

// wake lets the first in line try, once an eighth is free: else it would go on with single records.
func (s *space) wake() {
	roomy := s.records <= s.mostRecords-max(s.mostRecords/8, 1) && s.bytes <= s.mostBytes-s.mostBytes/8
	if len(s.line) > 0 && roomy {
		close(s.line[0])
		s.line = s.line[1:]
	}
}

// abandon gives up a place; if it was its turn already, the next one's comes.
func (s *space) abandon(place chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.line {
		if other == place {
			s.line = append(s.line[:i], s.line[i+1:]...)
			return
		}
	}
	s.wake()
}

// close lets nobody in any more; whoever waits gets stream.ErrClosed.
func (s *space) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for _, place := range s.line {
		close(place)
	}
	s.line = nil
}
