package fakekinesis

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"time"
)

// An action is a request that has been read: what the script sees of it, how it is done, and how it is refused. Do is called
// once at most, refuse instead of its answer.
type action struct {
	call   Call
	do     func(o outcome) *http.Response
	refuse func(code string, status int) *http.Response
}

// perform does an action as the script has it: both services answer all requests through it. A caller that goes away while
// its call waits has it done all the same, as a server would.
func (s *Script) perform(ctx context.Context, a action) (*http.Response, error) {
	o := s.decide(a.call)
	held := o.pause.hold(ctx)
	if held == nil && o.wait > 0 {
		held = sleep(ctx, o.wait)
	}
	if o.fault == nil {
		return answer(a.do(o), held)
	}
	switch f := o.fault; f.Kind {
	case Refuse, Expired:
		return answer(a.refuse(f.code(), f.status()), held)
	case RefuseAfter:
		discard(a.do(o))
		return answer(a.refuse(f.code(), f.status()), held)
	case Reset:
		return nil, broken()
	case Lose:
		discard(a.do(o))
		return nil, broken()
	case Late:
		time.AfterFunc(f.Delay, func() { discard(a.do(o)) })
		return nil, broken()
	case Slow:
		resp := a.do(o)
		if held == nil {
			held = sleep(ctx, f.Delay)
		}
		return answer(resp, held)
	default:
		return answer(a.do(o), held)
	}
}

// answer is a response for a caller that may have gone.
func answer(resp *http.Response, gone error) (*http.Response, error) {
	if gone != nil {
		discard(resp)
		return nil, gone
	}
	return resp, nil
}

// discard drops a response that nobody gets.
func discard(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close() // the body is ours and has nothing to say
	}
}

// broken is what a transport reports of a connection that the other side reset.
func broken() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
