package kinesis_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// Wires are what a backend's requests go over, to Kinesis and to DynamoDB. They can be cut, and a member can be stopped.
type wires struct {
	streams, tables http.RoundTripper

	mu     sync.Mutex // guards what follows
	cut    chan struct{}
	paused map[string]chan struct{} // by member
}

func newWires(streams, tables http.RoundTripper) *wires {
	return &wires{streams: streams, tables: tables, paused: map[string]chan struct{}{}}
}

// errCut is what a transport says when there is no way to the service.
var errCut = errors.New("the network is unreachable")

// RoundTrip sends a request to the service that it is for.
func (w *wires) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
		if w.isCut() {
			return nil, errCut
		}
		return w.streams.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	if stopped := w.stopped(fakekinesis.MemberOf(body)); stopped != nil {
		select {
		case <-stopped: // a process that goes on sends what it was about to send
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if w.isCut() {
		return nil, errCut
	}
	return w.tables.RoundTrip(again)
}

func (w *wires) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut != nil
}

// sever takes the backend off the network until heal is called.
func (w *wires) sever() (heal func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = make(chan struct{})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cut = nil
	}, nil
}

// stopped is closed when the member goes on; nil if it is not stopped.
func (w *wires) stopped(member string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paused[member]
}

// pause stops a member's writes to its leases: what SIGSTOP would do to them.
func (w *wires) pause(_, member string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paused[member] == nil {
		w.paused[member] = make(chan struct{})
	}
	return nil
}

// resume lets them go on.
func (w *wires) resume(_, member string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if goOn := w.paused[member]; goOn != nil {
		close(goOn)
		delete(w.paused, member)
	}
	return nil
}
