package httpfault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// headerLimit bounds the wait for a request's header.
const headerLimit = 10 * time.Second

// Proxy forwards the calls to a loopback port to its target, subject to its faults. Its methods may be called from many
// goroutines.
type Proxy struct {
	target   *url.URL
	listener net.Listener
	server   *http.Server
	upstream *http.Transport
	ctx      context.Context // ends with Close: of what is done after its client has gone
	cancel   context.CancelFunc
	wg       sync.WaitGroup // the server and the calls

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	faults []*Fault
	calls  map[string]int
	closed bool
}

// Listen starts a proxy before target, a URL such as "http://127.0.0.1:4567". The caller closes the proxy.
func Listen(target string, seed uint64) (*Proxy, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("httpfault: the target is no URL: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		target: u, listener: listener, random: rand.New(rand.NewPCG(seed, 0)), calls: make(map[string]int),
		upstream: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.server = &http.Server{Handler: http.HandlerFunc(p.handle), ReadHeaderTimeout: headerLimit}
	p.wg.Go(func() { _ = p.server.Serve(listener) }) // it ends by Close
	return p, nil
}

// Endpoint is the URL for clients.
func (p *Proxy) Endpoint() string { return "http://" + p.listener.Addr().String() }

// Set puts a rule in force until the fault it returns is removed. Where rules meet, those that join all apply, in the
// order in which they were set, and then the first of the others. A rule that means nothing panics.
func (p *Proxy) Set(r Rule) *Fault {
	f := newFault(r.checked(), p.drop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
	return f
}

func (p *Proxy) drop(f *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(one *Fault) bool { return one == f })
}

// Heal removes all faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	faults := slices.Clone(p.faults)
	p.mu.Unlock()
	for _, f := range faults {
		f.Remove()
	}
}

// Calls is how often each operation was called so far.
func (p *Proxy) Calls() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.calls)
}

// Close ends the listener and all connections and returns when no goroutine is left. It may be called more than once.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	_ = p.server.Close() // what was open is closed all the same
	p.wg.Wait()
	p.upstream.CloseIdleConnections()
}

// errClosed ends a call whose proxy was closed.
var errClosed = errors.New("httpfault: closed")

// enter counts a call and returns the faults that fire on it, those that join first. The caller leaves by wg.Done.
func (p *Proxy) enter(op string, body []byte) (join []*Fault, other *Fault, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	p.wg.Add(1)
	p.calls[op]++
	for _, f := range p.faults {
		if !f.rule.joins() && other != nil || !f.due(op, body, p.random) {
			continue
		}
		if f.rule.joins() {
			join = append(join, f)
		} else {
			other = f
		}
	}
	return join, other, nil
}

// draw makes n random numbers of the proxy's seed.
func (p *Proxy) draw(n int) []float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]float64, n)
	for i := range all {
		all[i] = p.random.Float64()
	}
	return all
}
