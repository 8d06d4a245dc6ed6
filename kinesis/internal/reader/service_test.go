package reader_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/stream"
)

// A service is scripted: each function is given the number of its call, from 0. What is not scripted is not called.
type service struct {
	api.Service
	iterate   func(n int, from api.From) (string, error)
	read      func(n int, iterator string, limit int) (api.Page, error)
	shards    func(n int) (api.Listing, error)
	subscribe func(n int, consumer string, from api.From) (api.Subscription, error)
	consumer  func(n int) (api.Consumer, error)
	register  func(n int) (api.Consumer, error)

	mu        sync.Mutex // guards what follows
	counts    map[string]int
	froms     []api.From
	limits    []int
	reads     []time.Time
	connects  []time.Time
	withdrawn []string // consumers that were deregistered
}

func (s *service) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[op]++
	return s.counts[op] - 1
}

func (s *service) Iterator(_ context.Context, _, _ string, from api.From) (string, error) {
	n := s.count("iterator")
	s.froms = append(s.froms, from)
	if s.iterate == nil {
		return fmt.Sprintf("i%d", n), nil
	}
	return s.iterate(n, from)
}

func (s *service) Records(ctx context.Context, _, iterator string, limit int) (api.Page, error) {
	if ctx.Err() != nil {
		return api.Page{}, &api.Error{Op: "GetRecords", Err: ctx.Err()}
	}
	n := s.count("records")
	s.reads, s.limits = append(s.reads, time.Now()), append(s.limits, limit)
	return s.read(n, iterator, limit)
}

func (s *service) Shards(context.Context, string, api.Filter) (api.Listing, error) {
	return s.shards(s.count("shards"))
}

func (s *service) Summary(context.Context, string) (api.Summary, error) {
	return api.Summary{ARN: "arn:stream"}, nil
}

func (s *service) Subscribe(ctx context.Context, consumer, _ string, from api.From) (api.Subscription, error) {
	n := s.count("subscribe")
	s.froms, s.connects = append(s.froms, from), append(s.connects, time.Now())
	open, err := s.subscribe(n, consumer, from)
	if scripted, ok := open.(*pushes); ok {
		scripted.bound = ctx
	}
	return open, err
}

func (s *service) Consumer(context.Context, string, string) (api.Consumer, error) {
	return s.consumer(s.count("consumer"))
}

func (s *service) Register(context.Context, string, string) (api.Consumer, error) {
	return s.register(s.count("register"))
}

func (s *service) Deregister(_ context.Context, arn string) error {
	s.withdrawn = append(s.withdrawn, arn)
	return nil
}

// Pushes are a subscription that gives events, one at each step, then ends with err, or falls silent if that is nil.
type pushes struct {
	events []api.Page
	every  time.Duration
	err    error

	bound context.Context
	once  sync.Once
	over  chan struct{}
}

func push(err error, events ...api.Page) *pushes {
	return &pushes{events: events, err: err, over: make(chan struct{})}
}

func (p *pushes) Next(ctx context.Context) (api.Page, error) {
	wait := time.After(p.every)
	if len(p.events) == 0 && p.err == nil {
		wait = nil
	}
	select {
	case <-ctx.Done():
		return api.Page{}, ctx.Err()
	case <-p.bound.Done():
		return api.Page{}, io.EOF
	case <-p.over:
		return api.Page{}, io.EOF
	case <-wait:
	}
	if len(p.events) == 0 {
		return api.Page{}, p.err
	}
	page := p.events[0]
	p.events = p.events[1:]
	return page, nil
}

func (p *pushes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

// failed is an answer with this code.
func failed(code string) error { return &api.Error{Op: "GetRecords", Code: code, Status: 400} }

// unanswered is a request without an answer.
func unanswered() error { return &api.Error{Op: "GetRecords", Err: io.ErrUnexpectedEOF} }

// page has records with these numbers, of 10 bytes each.
func page(next string, numbers ...int) api.Page {
	p := api.Page{Next: next, End: next == ""}
	for _, n := range numbers {
		p.Records = append(p.Records, api.Record{Key: "k", Sequence: fmt.Sprint(n), Data: []byte("123456789")})
		p.Bytes += 10
	}
	return p
}

// numbers are the sequence numbers of a page's records.
func numbers(p api.Page) []string {
	var all []string
	for _, r := range p.Records {
		all = append(all, r.Sequence)
	}
	return all
}

// config reads with full waits.
func config(s api.Service, from api.From) reader.Config {
	return reader.Config{
		Service: s, Stream: "orders", Shard: "shard-0", From: from,
		Jitter: func(d time.Duration) time.Duration { return d },
	}
}

// events collects what a reader tells.
type events struct {
	mu  sync.Mutex // guards what follows
	all []stream.Event
}

func (e *events) observe(told stream.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, told)
}

func (e *events) kinds() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var kinds []string
	for _, told := range e.all {
		kinds = append(kinds, told.Kind)
	}
	return kinds
}
