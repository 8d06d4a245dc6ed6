package franz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/stream"
)

// errAborted is a commit whose answer was lost and that turned out not to have happened.
var errAborted = errors.New("the commit had no answer; the transaction was aborted")

// decide sends the commit, once everything else has succeeded. The mark is nil for a transaction without a checkpoint.
//
// What a request became is not known when its context ends, so that this one has a context of its own.
func (t *tx) decide(ctx context.Context, at *mark) error {
	bounded, cancel := outlast(ctx, t.s.client.txPatience())
	defer cancel()
	if err := t.session.seesPartitions(bounded); err != nil {
		return settled(mapped(cause(bounded, err)))
	}
	err := t.session.native.EndTransaction(bounded, kgo.TryCommit)
	if err == nil {
		return nil
	}
	switch {
	case mutated("unknown commit counts as aborted"):
		return settled(mapped(err))
	case mutated("unknown commit counts as done"):
		return nil
	case mutated("unknown commit is aborted on the same epoch"):
		return settled(errors.Join(mapped(err), t.session.native.EndTransaction(bounded, kgo.TryAbort)))
	}
	if !t.session.endings.missing() && refusesCommit(err) {
		return settled(mapped(err))
	}
	bounded, cancel = outlast(ctx, t.s.client.txPatience())
	defer cancel()
	return t.resolve(bounded, at, mapped(err))
}

// refusesCommit reports whether the error of a commit says that it did not and will not happen.
func refusesCommit(err error) bool {
	for _, refusal := range []error{
		kerr.OperationNotAttempted, kerr.TransactionAbortable, kerr.UnknownProducerID, kerr.InvalidProducerIDMapping,
		kerr.InvalidTxnState, kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.TransactionalIDAuthorizationFailed,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// resolve finds out what became of a commit that has no answer. A new client with the same id ends it one way or the
// other: InitProducerId aborts the transaction or waits for the commit to be complete, and the commit, if it is still on
// its way, is refused for its epoch. Then the group's offset tells which it was.
func (t *tx) resolve(ctx context.Context, at *mark, unanswered error) error {
	unknown := fmt.Errorf("%w: the commit had no answer: %w", stream.ErrUnknownOutcome, unanswered)
	if err := t.session.renew(ctx); err != nil {
		t.session.broken = true
		return unknown
	}
	if at == nil || at.again { // nothing tells
		return unknown
	}
	stored, err := t.s.client.Committed(ctx, at.group, at.topic, []int32{at.partition})
	if err != nil {
		t.s.config.Logger.Warn("a commit without an answer could not be looked up", slog.Any("error", err))
		return unknown
	}
	switch have := stored[at.partition]; {
	case have.Offset.At == at.Offset.At && have.Metadata == at.Metadata:
		return nil
	case have.Offset.At >= at.Offset.At: // somebody else has gone on, from here or from before
		return unknown
	}
	return settled(fmt.Errorf("%w: %w", errAborted, unanswered))
}

// lastWords is how long the answer of a commit is waited for after its caller's context has ended.
const lastWords = 2 * time.Second

// outlast is a context that ends lastWords after ctx does, and after most at the latest.
func outlast(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	watch := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(lastWords, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { watch(); cancel() }
}

// settled is an error about a transaction that is not and will not be committed. An outcome that is unknown for one
// request, or for one record, is known then: nothing of it is ever visible.
func settled(err error) error {
	if err == nil || !errors.Is(err, stream.ErrUnknownOutcome) {
		return err
	}
	return fmt.Errorf("nothing is stored, as the transaction is aborted: %w", decided{err})
}

// decided is an error without its sentinel ErrUnknownOutcome.
type decided struct{ err error }

func (d decided) Error() string {
	return strings.ReplaceAll(d.err.Error(), stream.ErrUnknownOutcome.Error()+": ", "")
}

func (d decided) Is(target error) bool {
	return target != stream.ErrUnknownOutcome && errors.Is(d.err, target)
}

func (d decided) As(target any) bool { return errors.As(d.err, target) }

// cause is why a context ended where err is no more than that it did.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return context.Cause(ctx)
	}
	return err
}
