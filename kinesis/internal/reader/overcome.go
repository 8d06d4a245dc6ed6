package reader

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// overcome decides what follows the end of a subscription, or a call that was refused: nil to go on when it is due.
func (f *FanOut) overcome(ctx context.Context, err error) error {
	if f.brought && (errors.Is(err, io.EOF) || errors.Is(err, errSilent)) {
		f.brought = false
		return nil // its five minutes are over, or the connection broke
	}
	f.brought = false
	switch k := kindOf(err); {
	case api.CodeOf(err) == api.InUse:
		f.taken(err)
		return nil
	case k == throttled:
		wait := f.fail(err)
		f.config.throttled(wait, err)
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, errSilent), k == passing:
		f.fail(err)
		return nil
	case k == refused:
		return f.retreat(err)
	case k == missing:
		return f.renew(ctx, err)
	}
	return err
}

// fail counts a subscription that brought nothing, and says how long to wait for the next.
func (f *FanOut) fail(err error) time.Duration {
	f.failures++
	if f.failures >= attempts {
		f.withdraw(err)
		return 0
	}
	wait := max(f.config.Jitter(min(callEvery<<f.failures, longestGap)), callEvery)
	f.due = later(f.due, time.Now().Add(wait))
	return wait
}

// withdraw polls for a while. The next failure withdraws again, the next event ends it.
func (f *FanOut) withdraw(err error) {
	f.failures = attempts - 1
	f.until = time.Now().Add(pollingTime)
	if f.poll == nil {
		f.poll = poll(f.config, f.place)
		f.config.changed(errWithdrawn(err))
	}
	f.config.Logger.Warn("shard is polled, since enhanced fan-out does not work",
		"stream", f.config.Stream, "shard", f.config.Shard, "for", pollingTime, "error", err)
}

// taken waits until the service lets a subscription be taken over. Before it is taken back, the caller is asked whether the
// shard is still this reader's: who took it may be its new owner.
func (f *FanOut) taken(err error) {
	f.fail(err)
	f.due = later(f.due, time.Now().Add(takeOver))
	f.contested = true
}

// retreat tries a refused place once more from the last record that was returned.
func (f *FanOut) retreat(err error) error {
	if f.retried {
		f.retried = false
		return err
	}
	f.retried = true
	from := f.place.polled()
	f.place.floor, f.place.above = from.Sequence, from.Kind == api.AfterSequence
	return nil
}

// renew finds out what is gone. It is the shard, or the stream, if the consumer is still there.
func (f *FanOut) renew(ctx context.Context, err error) error {
	old := f.config.Consumer.ARN()
	found, failed := f.config.Consumer.refresh(ctx, old)
	switch {
	case failed != nil:
		return failed
	case found == old:
		return err
	}
	f.fail(err) // whoever deletes a consumer again and again is not to be kept busy
	return nil
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
