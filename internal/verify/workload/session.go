package workload

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/stream"
)

// A session is one hold as its handler sees it.
type session struct {
	*run
	*pace
	place
	part string
	hold uint64
	from stream.Position // the checkpoint after which the hold begins

	guard   sync.Mutex // guards what follows
	told    map[stream.Position]bool
	handled stream.Position // the highest
	looked  bool            // at the state
}

// deliver records that the handler has got a record: once, although a policy may try it again.
func (s *session) deliver(rec *stream.Record) {
	s.guard.Lock()
	again := s.told[rec.Position]
	if s.told == nil {
		s.told = map[stream.Position]bool{}
	}
	if s.retries() {
		s.told[rec.Position] = true
	}
	s.guard.Unlock()
	if again {
		return
	}
	op := s.op(history.Deliver, rec)
	op.Proc, op.Hold = s.member, s.hold
	s.rec.Add(op)
	s.mu.Lock()
	s.seen[op.UID] = true
	s.mu.Unlock()
}

// settle records that the handler is done with a record.
func (s *session) settle(rec *stream.Record) {
	p, _ := payloadOf(rec)
	s.guard.Lock()
	if rec.Position.Compare(s.handled) > 0 {
		s.handled = rec.Position
	}
	s.guard.Unlock()
	s.rec.Add(history.Op{
		Type: history.Note, F: history.Handled, Proc: s.member, Part: s.part, Hold: s.hold, Pos: rec.Position, UID: p.uid,
	})
}

// settledUpTo reports whether nothing that was handled stands behind the position.
func (s *session) settledUpTo(at stream.Position) bool {
	s.guard.Lock()
	defer s.guard.Unlock()
	return s.handled.Compare(at) <= 0
}

// checkpoint makes a checkpoint and records the call.
func (s *session) checkpoint(ctx context.Context, p *stream.Partition, rec *stream.Record) error {
	s.begin(rec, 0)
	var err error
	if s.Policy == State {
		s.look(p)
		err = p.CheckpointState(ctx, rec, stateAt(rec.Position))
	} else {
		err = p.Checkpoint(ctx, rec)
	}
	s.end(rec, 0, err)
	if err == nil {
		s.mu.Lock()
		s.saved[s.part] = true
		s.mu.Unlock()
	}
	return err
}

// stateAt is the state that is saved with a checkpoint: it names the place.
func stateAt(at stream.Position) []byte {
	major, sub, _ := at.Parts()
	return fmt.Append(nil, major, sub)
}

// look sees, once, whether the hold has the state that was saved with its checkpoint. Where nothing was saved before, and
// in a partition that replaces others, there may be none, or others'.
func (s *session) look(p *stream.Partition) {
	s.mu.Lock()
	born, saved := s.birth[s.part], s.saved[s.part]
	s.mu.Unlock()
	s.guard.Lock()
	again := s.looked
	s.looked = true
	s.guard.Unlock()
	if again || !saved || s.Chunked || s.from.IsZero() || s.from.Compare(born) <= 0 {
		return
	}
	if states := p.State(); len(states) != 1 || !bytes.Equal(states[0], stateAt(s.from)) {
		s.note(history.Op{F: history.Escape, Proc: s.member, Part: s.part, Err: "the state is not the checkpoint's"})
	}
}

// begin and end record a call for a checkpoint. In a Checkpointer the call itself is recorded there.
func (s *session) begin(rec *stream.Record, txn uint64) {
	if s.kept == nil {
		s.rec.Add(history.Op{
			Type: history.Invoke, F: history.Checkpoint, Proc: s.member, Part: s.part, Hold: s.hold, Pos: rec.Position, Txn: txn,
		})
	}
}

func (s *session) end(rec *stream.Record, txn uint64, err error) {
	if s.kept == nil {
		s.rec.Add(history.Op{
			Type: saved(err), F: history.Checkpoint, Proc: s.member, Part: s.part, Hold: s.hold, Pos: rec.Position, Txn: txn, Err: class(err),
		})
	}
}

// paceOf is a pace for the work on one record.
func (s *session) paceOf(rec *stream.Record) *pace {
	p, _ := payloadOf(rec)
	return holder(s.Seed^p.uid<<32, s.hold)
}
