package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A Partition is one hold on one partition, as a handler sees it. It is valid until the handler returns.
//
// Records and Batches are called from one goroutine at a time; every other method from many. Rules:
//   - LoopOrder: records come in partition order, none skipped, none twice, the first right after the checkpoint.
//   - LoopEnds: a loop ends without an error when the partition is asked back, has ended, the run stops, or the context
//     that was passed ends; what was fetched and not yielded is not consumed. A lost partition yields ErrLost, a backend's
//     failure its error, as the last element.
//   - LoopOne: one loop at a time; a later one goes on after the last record (Batches: the last slice) yielded.
//   - RecordsStay: Records yields records that stay valid. Keeping one may keep its block of records alive.
//   - BatchesReuse: Batches reuses its slice at the next iteration: copy a Record to keep it. Its bytes are never reused.
//   - BatchesWait: Batches yields at most max records (0: as they come). A wait > 0 counts from the iteration's start: then
//     it yields what has come, an empty slice if nothing has; with max 0 it bounds only the silence.
//   - CheckpointAll: Checkpoint says that rec and all before it are done. It refuses (ErrInvalid) a record that this hold
//     did not deliver. One below the saved checkpoint is nil and writes nothing; CheckpointState there is ErrInvalid.
//   - CheckpointKeeps: Checkpoint keeps the state that was saved before.
//   - CheckpointLost: whoever no longer holds the partition gets ErrLost, and the stored checkpoint does not change.
//   - CheckpointNowhere: with group "" and no Checkpointer, Checkpoint is ErrUnsupported, and Done saves nothing.
//   - DoneAnyOrder: Done takes records in any order from any goroutine; the contiguous prefix is saved every
//     ConsumerConfig.CheckpointEvery and when the handler has returned.
//   - DoneOnly: Done and Checkpoint do not mix in one hold. A Done that cannot be (mixed, or of a record that this hold did
//     not deliver) is the loop's next element, and comes back from Run.
//   - StateHanded: State is what was saved with the checkpoint: none or one, or, until the partition's own first
//     checkpoint, each parent's. After a split every child gets the parent's whole state: keep of it only what Owns.
//   - CancelFirst: the handler's context is cancelled before any method returns ErrLost.
type Partition struct {
	Stream string
	Name   string

	run        *run
	claim      Claim
	hold       Hold
	key        CheckpointKey
	number     uint64          // of this hold; see delivery.go
	ctx        context.Context // the handler's; one hold is one call, so the struct lives no longer than its context
	cancel     context.CancelCauseFunc
	running    <-chan struct{} // closed when the run is to stop
	fetching   context.Context // ends when every loop is to end
	endFetch   context.CancelFunc
	saving     chan struct{} // holds one token while a checkpoint is written
	gone       chan struct{} // closed when the handler has returned
	lostChan   chan struct{} // closed by lose
	background sync.WaitGroup

	buffer                  // what was fetched and not yielded; only the loop's
	delivered uint64        // the last delivery; only the loop's
	ends      atomic.Uint32 // the endings that are in force

	mu                  sync.Mutex // guards what follows
	saved               Checkpoint
	states              [][]byte // what State returns
	mode                mode
	prefix              prefix
	saver               bool // the goroutine that saves the prefix runs
	marked              Position
	closed              bool
	looping             bool
	reported            ending   // by the last loop
	last                Position // of the last record delivered
	fault               error    // ends loops: a failed save in the background, a misused Done
	claimErr            error    // the backend's last error that was not made good
	lostErr             error
	announcing, granted bool    // EventGranted is being told, was told
	untold              []Event // what happened before it
}

// A mode is how a hold makes checkpoints. The first call decides.
type mode uint8

const (
	undecided mode = iota
	explicit       // Checkpoint, CheckpointState, Mark
	byDone         // Done
)

func newPartition(r *run, claim Claim) *Partition {
	hold := claim.Hold()
	return &Partition{
		Stream: hold.Stream, Name: hold.Partition, run: r, claim: claim, hold: hold,
		key:    CheckpointKey{Group: r.config.Group, Stream: hold.Stream, Partition: hold.Partition},
		number: r.nextNumber() & (1<<(64-deliveryBits) - 1),
		saving: make(chan struct{}, 1), gone: make(chan struct{}), lostChan: make(chan struct{}),
		prefix: prefix{next: 1}, saved: hold.Saved,
	}
}

// open gives the hold its contexts: the handler's, and the run's, whose end is the end of loops.
func (p *Partition) open(ctx context.Context, cancel context.CancelCauseFunc, running context.Context) {
	p.ctx, p.cancel, p.running = ctx, cancel, running.Done()
	p.fetching, p.endFetch = context.WithCancel(ctx)
	p.delivered = p.number << deliveryBits
}

// begin fetches what is saved and hands it to the claim. Granted is false if the hold was over before it began.
func (p *Partition) begin() (granted bool, err error) {
	saved, states, err := p.load(p.fetching)
	if reason, ended := p.ended(); ended {
		p.report(reason)
		return false, nil
	}
	if err != nil {
		if errors.Is(err, ErrLost) {
			p.lose(err)
		}
		return false, wrap("acquire", p.Stream, p.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saved, p.states, p.prefix.at = saved, states, saved.Position
	return true, nil
}

// announce tells that the hold has begun, once it is known where it reads, and then what happened meanwhile. Later calls do
// nothing.
func (p *Partition) announce() {
	p.mu.Lock()
	if p.granted || p.announcing {
		p.mu.Unlock()
		return
	}
	p.announcing = true
	next := []Event{{Kind: EventGranted, Stream: p.Stream, Partition: p.Name, Position: p.saved.Position}}
	for len(next) > 0 {
		p.mu.Unlock()
		for _, e := range next {
			p.run.observer.tell(e)
		}
		p.mu.Lock()
		next, p.untold = p.untold, nil
	}
	p.granted = true
	p.mu.Unlock()
}

// tell tells an event of the hold, after that of its grant.
func (p *Partition) tell(e Event) {
	e.Stream, e.Partition = p.Stream, p.Name
	p.mu.Lock()
	granted := p.granted
	if !granted {
		p.untold = append(p.untold, e)
	}
	p.mu.Unlock()
	if granted {
		p.run.observer.tell(e)
	}
}

// Owns reports whether records of the key belong to this partition. Where the backend cannot tell, all do.
func (p *Partition) Owns(key []byte) bool { return p.hold.Owns == nil || p.hold.Owns(key) }

// State returns what CheckpointState last saved for this partition: none or one; or, until the partition's own first
// checkpoint, what was saved for each partition that it replaces. It must not be changed.
func (p *Partition) State() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states
}

// Ended reports, after the loop, that the partition is complete and was not asked back.
func (p *Partition) Ended() bool { return p.lastEnd() == endComplete }

// end makes every loop end before its next element.
func (p *Partition) end(reason ending) {
	p.ends.Or(uint32(reason))
	p.endFetch()
}

// lose marks the partition as lost and cancels the handler's context, before anybody is told.
func (p *Partition) lose(cause error) {
	if !mutated("lost hold is not cancelled") {
		p.cancel(ErrLost)
	}
	p.mu.Lock()
	first := p.lostErr == nil
	if first {
		p.lostErr = cause
	}
	p.mu.Unlock()
	if !first {
		return
	}
	p.end(endLost)
	close(p.lostChan)
	p.tell(Event{Kind: EventLost, Err: cause})
}

// noticeLoss reports whether the partition is lost. It looks at the claim itself: a Checkpointer does not know yet.
func (p *Partition) noticeLoss() bool {
	if isDone(p.hold.Lost) {
		p.lose(ErrLost)
	}
	return p.isLost()
}

func (p *Partition) isLost() bool { return p.ends.Load()&uint32(endLost) != 0 }

func (p *Partition) lostCause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lostErr
}

// lostInWordsOnly reports that something said ErrLost while the backend does not say that the partition is lost.
func (p *Partition) lostInWordsOnly() bool {
	select {
	case <-p.hold.Lost:
		return false
	default:
		return p.isLost()
	}
}

// fail makes err the next element of every loop.
func (p *Partition) fail(op string, err error) {
	p.mu.Lock()
	if p.fault == nil {
		p.fault = wrap(op, p.Stream, p.Name, err)
	}
	p.mu.Unlock()
	p.end(endFault)
}

// swallowed is the error that the handler kept to itself.
func (p *Partition) swallowed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.fault, p.claimErr)
}

// close refuses what comes after the handler, waits for what is under way, and saves the prefix.
func (p *Partition) close(ctx context.Context, save bool) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.endFetch()
	close(p.gone)
	stop := context.AfterFunc(ctx, func() { p.cancel(ErrGrace) }) // a save that is stuck ends then
	defer stop()
	p.background.Wait()
	if err := p.awaitSaves(ctx); err != nil || !save || p.isLost() {
		return
	}
	if err := p.savePrefix(ctx); err != nil && !errors.Is(err, ErrLost) {
		p.fail("checkpoint", err)
	}
}

// checkComplete checks that all that was delivered is checkpointed, wherever checkpoints live.
func (p *Partition) checkComplete(ctx context.Context) error {
	p.mu.Lock()
	saved, last := p.saved, p.last
	p.mu.Unlock()
	if !p.saves() {
		return nil
	}
	if kept := p.run.config.Checkpointer; kept != nil {
		var err error
		if saved, err = kept.Load(ctx, p.key); err != nil {
			return wrap("load", p.Stream, p.Name, err)
		}
	}
	if saved.Position.Compare(last) < 0 {
		return fmt.Errorf("%w: the handler has returned at the end of the partition, but records are not checkpointed: "+
			"delivered up to %v, checkpointed up to %v", ErrInvalid, last, saved.Position)
	}
	return nil
}

// pause waits in a retry's back-off; it is false when the hold is to end instead.
func (p *Partition) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		_, ended := p.ended()
		return !ended
	case <-ctx.Done():
	case <-p.fetching.Done():
	}
	return false
}

// saves reports whether checkpoints are kept at all.
func (p *Partition) saves() bool { return p.run.config.Group != "" || p.run.config.Checkpointer != nil }
