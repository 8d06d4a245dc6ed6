package httpfault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxBody is the most bytes of a request that are read: the service takes 10 MiB, and base64 makes a third more.
const maxBody = 32 << 20

// operation is the name of what a request calls; "" if it does not tell.
func operation(h http.Header) string {
	target := h.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

// handle serves one call.
func (p *Proxy) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		abort(w)
		return
	}
	join, other, err := p.enter(operation(r.Header), body)
	if err != nil {
		abort(w)
		return
	}
	defer p.wg.Done()
	c := &call{proxy: p, w: w, header: r.Header.Clone(), method: r.Method, path: r.URL.RequestURI(), body: body}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	for _, f := range join {
		f.hit()
		if !c.suffer(ctx, f) {
			abort(w)
			return
		}
	}
	if other == nil {
		c.answer(c.forward(ctx))
		return
	}
	c.end(other)
}

// call is one request on its way.
type call struct {
	proxy        *Proxy
	w            http.ResponseWriter
	header       http.Header
	method, path string
	body         []byte
	late         time.Duration // how long the answer waits
	failed       []failed      // entries of PutRecords that are not forwarded
}

// suffer applies a fault that joins others. False: the client, or the proxy, has gone.
func (c *call) suffer(ctx context.Context, f *Fault) bool {
	switch f.rule.Kind {
	case Delay:
		return pause(ctx, f.rule.Delay)
	case DelayAnswer:
		c.late += f.rule.Delay
	case Hold:
		select {
		case <-f.removed:
		case <-ctx.Done():
			return false
		}
	case FailEntries:
		c.failEntries(f.rule)
	}
	return true
}

// end applies a fault that ends the call. The fault has fired before the client learns of it.
func (c *call) end(f *Fault) {
	switch r := f.rule; r.Kind {
	case Reset:
		f.hit()
		abort(c.w)
	case Refuse:
		f.hit()
		c.refuse(r)
	case RefuseAfter:
		c.done()
		f.hit()
		c.refuse(r)
	case Lose:
		c.done()
		f.hit()
		abort(c.w)
	case Late:
		f.hit()
		abort(c.w)
		if pause(c.proxy.ctx, r.Delay) {
			c.done()
		}
	case Cut:
		f.hit()
		c.cut(r.Bytes)
	}
}

// done forwards the call, whether its client is there or not, and reads the answer to its end.
func (c *call) done() {
	resp, err := c.forward(c.proxy.ctx)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body) // the answer does not matter
		_ = resp.Body.Close()
	}
}

// cut forwards the call and n bytes of the answer.
func (c *call) cut(n int) {
	resp, err := c.forward(c.proxy.ctx)
	if err == nil {
		copyHeader(c.w.Header(), resp.Header)
		c.w.WriteHeader(resp.StatusCode)
		_, _ = io.CopyN(c.w, resp.Body, int64(n)) // it ends with the connection anyway
		_ = resp.Body.Close()
		_ = http.NewResponseController(c.w).Flush()
	}
	abort(c.w)
}

// forward asks the target. Entries that fail are not among what is asked.
func (c *call) forward(ctx context.Context) (*http.Response, error) {
	if len(c.failed) > 0 {
		return c.forwardRest(ctx)
	}
	return c.send(ctx, c.body)
}

func (c *call) send(ctx context.Context, body []byte) (*http.Response, error) {
	u := *c.proxy.target
	req, err := http.NewRequestWithContext(ctx, c.method, u.Scheme+"://"+u.Host+c.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	copyHeader(req.Header, c.header)
	req.Header.Del("Content-Length")
	return Subscribing(c.proxy.upstream).RoundTrip(req)
}

// answer passes an answer on; without one it breaks the connection.
func (c *call) answer(resp *http.Response, err error) {
	if err != nil || !pause(c.proxy.ctx, c.late) {
		if err == nil {
			_ = resp.Body.Close()
		}
		abort(c.w)
		return
	}
	defer func() { _ = resp.Body.Close() }() // read or given up
	copyHeader(c.w.Header(), resp.Header)
	c.w.WriteHeader(resp.StatusCode)
	if err := copyFlushed(c.w, resp.Body); err != nil {
		abort(c.w)
	}
}

// copyFlushed passes on what comes as it comes: a subscription's events must not wait for each other.
func copyFlushed(w http.ResponseWriter, from io.Reader) error {
	control := http.NewResponseController(w)
	chunk := make([]byte, 32<<10)
	for {
		n, err := from.Read(chunk)
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				return err
			}
			if err := control.Flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// refuse answers an error of the service.
func (c *call) refuse(r Rule) {
	if !pause(c.proxy.ctx, c.late) {
		abort(c.w)
		return
	}
	const message = "a fault that a test asked for"
	contentType, body := "application/x-amz-json-1.1", fmt.Appendf(nil, `{"__type":%q,"message":%q}`, r.Code, message)
	if isCBOR(c.header) {
		contentType, body = contentCBOR, errorCBOR(r.Code, message)
	}
	c.w.Header().Set("Content-Type", contentType)
	c.w.Header().Set("X-Amzn-ErrorType", r.Code)
	c.w.WriteHeader(r.Status)
	_, _ = c.w.Write(body) // a client that has gone needs no answer
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		if name == "Connection" || name == "Keep-Alive" || name == "Transfer-Encoding" {
			continue // about one connection only
		}
		to[name] = values
	}
}

// abort breaks a connection by RST.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the connection is closed already, or net/http closes it now
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // an error says that it is closed already
	}
	_ = conn.Close()
}

// pause waits for d, and is false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
