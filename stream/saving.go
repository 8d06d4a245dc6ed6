package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Checkpoint says that rec, and all that this hold delivered before it, are done. It returns when that is stored.
func (p *Partition) Checkpoint(ctx context.Context, rec *Record) error {
	return wrap("checkpoint", p.Stream, p.Name, p.save(ctx, rec, nil, false))
}

// CheckpointState is Checkpoint with a small state of the handler, which State gives to the next hold. Both are stored in
// one write. Nil is no state; a state over Capabilities.MaxStateBytes is ErrTooLarge.
func (p *Partition) CheckpointState(ctx context.Context, rec *Record, state []byte) error {
	return wrap("checkpoint", p.Stream, p.Name, p.save(ctx, rec, state, true))
}

// Mark gives what Checkpoint (with a nil state) or CheckpointState would save in the Checkpointer, for a handler that
// saves it in a transaction of its own. Without a Checkpointer it is ErrUnsupported.
func (p *Partition) Mark(rec *Record, state []byte) (CheckpointKey, Checkpoint, error) {
	if p.run.config.Checkpointer == nil {
		return CheckpointKey{}, Checkpoint{}, p.markError(unsupported("checkpoints live in the backend; set ConsumerConfig.Checkpointer"))
	}
	p.noticeLoss()
	p.mu.Lock()
	defer p.mu.Unlock()
	next, write, err := p.plan(rec, state, state != nil)
	if err == nil && (!write && next.Position.Compare(p.saved.Position) < 0 || next.Position.Compare(p.marked) < 0) {
		err = fmt.Errorf("%w: a later record is marked already", ErrInvalid)
	}
	if err != nil {
		return CheckpointKey{}, Checkpoint{}, p.markError(err)
	}
	p.marked, p.saved.State = next.Position, next.State
	return p.key, next, nil
}

// Done says that rec is done, in any order. The records that are done from the first on, without a gap, are checkpointed
// in the background.
func (p *Partition) Done(rec *Record) { p.done(rec) }

// done returns how many of the records delivered are done without a gap.
func (p *Partition) done(rec *Record) uint64 {
	n, err := p.place(rec)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return 0
	}
	if err == nil && p.mode == explicit {
		err = fmt.Errorf("%w: Done and Checkpoint do not mix in one hold", ErrInvalid)
	}
	if err != nil {
		p.mu.Unlock()
		p.fail("done", err)
		return 0
	}
	p.mode = byDone
	p.prefix.done(n, rec.Position)
	if !p.saver && p.saves() {
		p.saver = true
		p.background.Go(p.saveRegularly)
	}
	done := p.prefix.next - 1
	p.mu.Unlock()
	return done
}

// save is Checkpoint and CheckpointState.
func (p *Partition) save(ctx context.Context, rec *Record, state []byte, withState bool) error {
	if ctx == nil {
		return errNilContext
	}
	if !p.saves() {
		return unsupported("a reading without a group keeps no checkpoints; name a group or set a Checkpointer")
	}
	if err := p.beginSave(ctx); err != nil {
		return err
	}
	defer p.endSave()
	p.noticeLoss()
	p.mu.Lock()
	next, write, err := p.plan(rec, state, withState)
	p.mu.Unlock()
	if err != nil || !write {
		return err
	}
	return p.store(ctx, next)
}

// transactional is what a transaction is to save.
func (p *Partition) transactional(of Backend, rec *Record, state []byte, withState bool) (Checkpoint, error) {
	switch {
	case p.run.config.Checkpointer != nil:
		return Checkpoint{}, unsupported("checkpoints live in a Checkpointer; a transaction cannot write there")
	case !p.saves():
		return Checkpoint{}, unsupported("a reading without a group keeps no checkpoints")
	case !sameBackend(of, p.run.backend):
		return Checkpoint{}, unsupported("the partition is of another backend than the producer")
	}
	p.noticeLoss()
	p.mu.Lock()
	defer p.mu.Unlock()
	next, write, err := p.plan(rec, state, withState)
	if err == nil && !write {
		err = fmt.Errorf("%w: the record is checkpointed already", ErrInvalid)
	}
	return next, err
}

// plan checks rec and says what to save. Write is false if it is saved already. The caller holds p.mu.
func (p *Partition) plan(rec *Record, state []byte, withState bool) (next Checkpoint, write bool, err error) {
	if p.closed || p.lostErr != nil {
		return next, false, ErrLost
	}
	if _, err := p.place(rec); err != nil {
		return next, false, err
	}
	if p.mode == byDone {
		return next, false, fmt.Errorf("%w: Done and Checkpoint do not mix in one hold", ErrInvalid)
	}
	p.mode = explicit
	next = Checkpoint{Position: rec.Position, Epoch: p.saved.Epoch, State: p.saved.State}
	order := rec.Position.Compare(p.saved.Position)
	switch {
	case withState && order < 0:
		return next, false, fmt.Errorf("%w: a later record is checkpointed already", ErrInvalid)
	case withState:
		next.State = bytes.Clone(state) // it is kept; the caller may use its bytes again
		return next, true, nil
	case order <= 0:
		return next, false, nil
	case p.saved.Position.IsZero():
		next.State, err = p.inherited()
	}
	return next, err == nil, err
}

// inherited is the state that the first checkpoint without one keeps. The caller holds p.mu.
func (p *Partition) inherited() ([]byte, error) {
	switch len(p.states) {
	case 0:
		return nil, nil
	case 1:
		return p.states[0], nil
	default:
		return nil, fmt.Errorf("%w: the partition replaces several that have a state: only CheckpointState can join them", ErrInvalid)
	}
}

// beginSave waits for its turn: one save of a partition at a time.
func (p *Partition) beginSave(ctx context.Context) error {
	select {
	case p.saving <- struct{}{}:
		return nil
	case <-ctx.Done():
		if p.isLost() {
			return ErrLost
		}
		return context.Cause(ctx)
	}
}

func (p *Partition) endSave() { <-p.saving }

// awaitSaves waits for a save that is under way.
func (p *Partition) awaitSaves(ctx context.Context) error {
	err := p.beginSave(ctx)
	if err == nil {
		p.endSave()
	}
	return err
}

// stillOpen is ErrLost when the handler has returned or the partition is lost.
func (p *Partition) stillOpen() error {
	p.noticeLoss()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.lostErr != nil {
		return ErrLost
	}
	return nil
}

// store writes next where checkpoints live. The caller has the turn.
func (p *Partition) store(ctx context.Context, next Checkpoint) error {
	if err := p.invariant(next); err != nil {
		p.fail("checkpoint", err)
		return err
	}
	begun := time.Now()
	err := p.write(ctx, next)
	if mutated("failed save is forgotten") && !errors.Is(err, ErrLost) {
		err = nil
	}
	p.run.observer.tell(Event{
		Kind: EventCheckpointed, Stream: p.Stream, Partition: p.Name, Position: next.Position,
		Duration: time.Since(begun), Err: err,
	})
	p.saveAnswered(next, err)
	return err
}

// write makes a panic of a Checkpointer an error: it may come on a goroutine that no handler sees.
func (p *Partition) write(ctx context.Context, next Checkpoint) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{who: "the Checkpointer", value: v, stack: debug.Stack()}
		}
	}()
	if kept := p.run.config.Checkpointer; kept != nil {
		return kept.Save(ctx, p.key, next)
	}
	return p.claim.Checkpoint(ctx, next)
}

// saveAnswered keeps what was saved, or what the handler must not swallow.
func (p *Partition) saveAnswered(next Checkpoint, err error) {
	if errors.Is(err, ErrLost) {
		p.lose(err)
		return
	}
	p.mu.Lock()
	switch {
	case err == nil:
		p.saved, p.claimErr = next, nil
		p.states = nil
		if next.State != nil {
			p.states = [][]byte{next.State}
		}
	case !ofContext(err):
		p.claimErr = wrap("checkpoint", p.Stream, p.Name, err)
	}
	p.mu.Unlock()
	if err == nil {
		p.run.progressed(p.key)
	}
}

// invariant stops a checkpoint that no correct runtime would make.
func (p *Partition) invariant(next Checkpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case next.Position.Compare(p.saved.Position) < 0:
		return fmt.Errorf("internal error: a checkpoint at %v would go back from %v", next.Position, p.saved.Position)
	case p.mode == byDone && next.Position.Compare(p.prefix.at) > 0:
		return fmt.Errorf("internal error: a checkpoint at %v would pass the prefix at %v", next.Position, p.prefix.at)
	case next.Epoch != p.saved.Epoch:
		return fmt.Errorf("internal error: a checkpoint of epoch %d in a hold of epoch %d", next.Epoch, p.saved.Epoch)
	}
	return nil
}

// saveRegularly saves the prefix until the handler has returned.
func (p *Partition) saveRegularly() {
	ticker := time.NewTicker(p.run.config.CheckpointEvery)
	defer ticker.Stop()
	still := stillness{since: time.Now()}
	for {
		select {
		case <-p.gone:
			return
		case <-ticker.C:
		}
		if err := p.savePrefix(p.ctx); err != nil && !errors.Is(err, ErrLost) {
			p.fail("checkpoint", err)
			return
		}
		if p.isLost() {
			return
		}
		p.observeStillness(&still)
	}
}

// savePrefix checkpoints what is done without a gap.
func (p *Partition) savePrefix(ctx context.Context) error {
	if err := p.beginSave(ctx); err != nil {
		return err
	}
	defer p.endSave()
	if p.noticeLoss() {
		return ErrLost
	}
	p.mu.Lock()
	next := Checkpoint{Position: p.prefix.at, Epoch: p.saved.Epoch, State: p.saved.State}
	write := p.saves() && p.mode == byDone && next.Position.Compare(p.saved.Position) > 0
	var err error
	if write && p.saved.Position.IsZero() {
		next.State, err = p.inherited()
	}
	p.mu.Unlock()
	if err != nil || !write {
		return err
	}
	return p.store(ctx, next)
}

// stallTime is how long the prefix stands still, with records done behind it, before EventStalled is told, and told again.
const stallTime = 30 * time.Second

// stillness remembers since when the prefix is where it is.
type stillness struct {
	next  uint64
	since time.Time
}

func (p *Partition) observeStillness(s *stillness) {
	p.mu.Lock()
	next, at, waiting := p.prefix.next, p.prefix.at, uint64(0)
	for _, done := range p.prefix.spans {
		waiting += done.last - done.first + 1
	}
	p.mu.Unlock()
	now := time.Now()
	if next != s.next || waiting == 0 {
		*s = stillness{next: next, since: now}
		return
	}
	if now.Sub(s.since) < stallTime {
		return
	}
	p.run.observer.tell(Event{
		Kind: EventStalled, Stream: p.Stream, Partition: p.Name, Position: at, Records: int(waiting), Duration: now.Sub(s.since),
	})
	s.since = now
}

// checkpoint is what is saved.
func (p *Partition) checkpoint() Checkpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saved
}

func (p *Partition) markError(err error) error {
	return &Error{Op: "mark", Stream: p.Stream, Partition: p.Name, Err: err}
}
