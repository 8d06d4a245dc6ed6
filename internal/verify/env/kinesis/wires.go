package kinesis

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// wires are what the adapter's requests go over. What a paused member writes waits.
type wires struct{ e *service }

// RoundTrip sends a request to the service that it is for.
func (w wires) RoundTrip(r *http.Request) (*http.Response, error) {
	target := r.Header.Get("X-Amz-Target")
	if !strings.HasPrefix(target, "DynamoDB") {
		return w.e.RoundTripper().RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if over := w.e.stopped(fakekinesis.MemberOf(body)); over != nil {
		select {
		case <-over: // a process that goes on sends what it was about to send
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := w.e.tables.RoundTrip(again)
	if strings.HasSuffix(target, ".UpdateItem") {
		for name := range strings.SplitSeq(string(body), `"TableName":"`) {
			if name, _, ok := strings.Cut(name, `"`); ok && !strings.HasPrefix(name, "{") {
				w.e.look(name)
			}
		}
	}
	return answer, err
}

// stopped is closed when the member goes on; nil if it is not paused.
func (e *service) stopped(member string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.paused {
		if p.member == member {
			return p.over
		}
	}
	return nil
}

// pauseFor stops a member's calls to its leases.
func (e *service) pauseFor(member string, long time.Duration) {
	p := pause{member, make(chan struct{})}
	e.mu.Lock()
	e.paused = append(e.paused, p)
	e.mu.Unlock()
	e.pauses.Go(func() {
		timer := time.NewTimer(long)
		defer timer.Stop()
		select {
		case <-p.over:
			return
		case <-timer.C:
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		for i := range e.paused {
			if e.paused[i] == p {
				e.paused = append(e.paused[:i:i], e.paused[i+1:]...)
				close(p.over)
				return
			}
		}
	})
}
