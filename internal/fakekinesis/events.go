package fakekinesis

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// open answers a subscription: its body makes the events while it is read, so that no goroutine of the service's own is
// needed and a reader that does not read holds nothing up.
func (s *Server) open(req *http.Request, sub *subscription, now time.Time) *http.Response {
	resp := s.head(http.StatusOK, contentEvents, now)
	resp.ContentLength = -1
	resp.Body = &events{ctx: req.Context(), sub: sub, rest: initialFrame(), closed: make(chan struct{})}
	return resp
}

// events is the body of a subscription. Read is called from one goroutine at a time, Close beside it.
type events struct {
	ctx  context.Context //nolint:containedctx // of the request, which is what the body lives in
	sub  *subscription
	rest []byte // not yet read
	err  error  // after rest

	closed chan struct{}
	once   sync.Once
}

// Read waits for the next part of the stream.
func (e *events) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		if e.err == nil {
			e.err = e.gone()
		}
		if e.err != nil {
			return 0, e.err
		}
		e.turn(e.sub.next(time.Now()))
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Close ends the subscription.
func (e *events) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// gone reports that nobody listens any more.
func (e *events) gone() error {
	select {
	case <-e.closed:
		return http.ErrBodyReadAfterClose
	default:
		return e.ctx.Err()
	}
}

// turn makes a step into bytes, an end, or a wait.
func (e *events) turn(st step) {
	switch {
	case st.fail != nil:
		e.rest, e.err = exceptionFrame(st.fail), io.EOF
	case st.event != nil:
		e.rest = eventFrame(st.event)
		if st.cut {
			e.rest, e.err = e.rest[:len(e.rest)/2], io.ErrUnexpectedEOF
		} else if st.last {
			e.err = io.EOF
		}
	case st.last:
		e.err = io.EOF
	default:
		e.wait(st)
	}
}

// wait lets time pass until something may have changed.
func (e *events) wait(st step) {
	t := time.NewTimer(time.Until(st.until))
	defer t.Stop()
	select {
	case <-t.C:
	case <-st.changed:
	case <-e.sub.lost:
	case <-e.closed:
	case <-e.ctx.Done():
	}
}
