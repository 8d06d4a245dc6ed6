package fakekinesis

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// roundTripper answers requests in place of a network.
type roundTripper struct{ s *Server }

// RoundTrip answers req as the service would, or breaks as the script has it.
func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	if req.Body != nil {
		body.Grow(int(min(max(req.ContentLength, 0), 2*maxRequest)))
		_, err := body.ReadFrom(req.Body)
		if closing := req.Body.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
	}
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	resp, err := rt.s.script.perform(ctx, rt.s.accept(req, body.Bytes()))
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// accept reads a request.
func (s *Server) accept(req *http.Request, body []byte) action {
	format := s.formatOf(req.Header.Get("Content-Type"))
	refuse := func(code string, status int) *http.Response {
		return s.refuse(format, &failure{code: code, message: "scripted", status: status})
	}
	op, ours := strings.CutPrefix(req.Header.Get("X-Amz-Target"), "Kinesis_20131202.")
	if !ours {
		op = ""
	}
	in, err := format.input(op, body)
	if err != nil {
		return action{
			call: Call{Op: op}, refuse: refuse, do: func(outcome) *http.Response { return s.refuse(format, err) },
		}
	}
	stream, shard := in.about()
	return action{
		call: Call{Op: op, Resource: stream, Item: shard}, refuse: refuse,
		do: func(o outcome) *http.Response { return s.serve(req, format, op, in, o) },
	}
}

// serve carries a request out.
func (s *Server) serve(req *http.Request, format format, op string, in request, o outcome) *http.Response {
	if err := in.check(); err != nil {
		return s.refuse(format, err)
	}
	now := time.Now()
	out, err := s.locked(op, in, o, now)
	if err != nil {
		return s.refuse(format, err)
	}
	if sub, ok := out.(*subscription); ok {
		return s.open(req, sub, now)
	}
	body, ferr := format.write(out)
	if ferr != nil {
		return s.refuse(format, ferr)
	}
	return s.respond(http.StatusOK, format.content, body, now)
}

// locked carries a request out under the lock.
func (s *Server) locked(op string, in request, o outcome, now time.Time) (any, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream, _ := in.about(); !s.admit(op, stream, now) {
		return nil, fail(codeLimit, "Rate exceeded for %s", op)
	}
	return in.do(s, o, now)
}

// admit counts a call of the control plane. The caller holds the lock.
func (s *Server) admit(op, stream string, now time.Time) bool {
	limit, ok := controlLimits[op]
	if !ok || !s.cfg.Limits {
		return true
	}
	key := op
	if limit.perStream {
		key += "/" + stream
	}
	if s.control[key] == nil {
		s.control[key] = new(window)
	}
	return s.control[key].take(now, limit.rate)
}

// refuse answers an error.
func (s *Server) refuse(format format, f *failure) *http.Response {
	return s.respond(f.status, format.content, format.fail(f), time.Now())
}

// respond makes an answer.
func (s *Server) respond(status int, content string, body []byte, now time.Time) *http.Response {
	resp := s.head(status, content, now)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp
}

// head is an answer without a body.
func (s *Server) head(status int, content string, now time.Time) *http.Response {
	id := mix(s.cfg.Seed, s.requests.Add(1))
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":     {content},
			"Date":             {now.UTC().Format(http.TimeFormat)},
			"X-Amzn-Requestid": {fmt.Sprintf("%08x-%04x-4000-8000-%012x", id>>32, id>>16&0xffff, mix(id)>>16)},
		},
	}
}
