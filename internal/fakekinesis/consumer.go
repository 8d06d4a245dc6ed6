package fakekinesis

import (
	"fmt"
	"time"
)

const (
	maxConsumers     = 20  // of a stream that is not on-demand Advantage (RegisterStreamConsumer)
	maxRegistering   = 5   // "you cannot have more than 5 consumers in a CREATING status at the same time"
	maxListedReaders = 100 // ListStreamConsumers
)

// A consumer is registered for enhanced fan-out. The server's lock guards it.
type consumer struct {
	name, arn string
	created   time.Time
	ready     time.Time // CREATING until then
	gone      time.Time // DELETING until then; zero: not
	subs      map[string]*subscription
	calls     map[string]*window
}

func (c *consumer) status(now time.Time) string {
	switch {
	case !c.gone.IsZero():
		return statusDeleting
	case now.Before(c.ready):
		return statusCreating
	}
	return statusActive
}

type shownConsumer struct {
	ConsumerName, ConsumerARN, ConsumerStatus string
	ConsumerCreationTimestamp                 stamp
	StreamARN                                 string `json:",omitempty"`
}

func (c *consumer) show(now time.Time) shownConsumer {
	return shownConsumer{
		ConsumerName: c.name, ConsumerARN: c.arn, ConsumerStatus: c.status(now), ConsumerCreationTimestamp: stamp{c.created},
	}
}

// readers are the consumers that are not gone.
func (st *stream) readers(now time.Time) []*consumer {
	left := st.consumers[:0:0]
	for _, c := range st.consumers {
		if c.gone.IsZero() || now.Before(c.gone) {
			left = append(left, c)
		}
	}
	st.consumers = left
	return left
}

type registerConsumer struct {
	StreamARN    string
	ConsumerName string
}

func (in *registerConsumer) about() (stream, shard string) { return nameOf(in.StreamARN), "" }

func (in *registerConsumer) check() *failure {
	if !named(in.ConsumerName) {
		return unmet("consumerName", "satisfy [a-zA-Z0-9_.-]{1,128}")
	}
	return target{StreamARN: in.StreamARN}.check()
}

func (in *registerConsumer) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, err := s.idle(target{StreamARN: in.StreamARN}, now)
	if err != nil {
		return nil, err
	}
	all, creating := st.readers(now), 0
	born := now.Unix()
	for _, c := range all {
		if c.name == in.ConsumerName {
			return nil, fail(codeInUse, "Consumer %s for stream %s already exists.", c.name, st.name)
		}
		if c.status(now) == statusCreating {
			creating++
		}
	}
	if len(all) >= maxConsumers || creating >= maxRegistering {
		return nil, fail(codeLimit, "Too many consumers of stream %s under account %s.", st.name, s.cfg.Account)
	}
	st.registered = max(st.registered+1, born) // the ARN of a consumer made anew differs
	c := &consumer{
		name: in.ConsumerName, arn: fmt.Sprintf("%s/consumer/%s:%d", st.arn, in.ConsumerName, st.registered),
		created: time.Unix(st.registered, 0), ready: now.Add(s.settling()),
		subs: map[string]*subscription{}, calls: map[string]*window{},
	}
	st.consumers = append(st.consumers, c)
	return struct{ Consumer shownConsumer }{c.show(now)}, nil
}

// consumerTarget names a consumer: by its ARN, or by its stream's and its name, "as long as they don't conflict".
type consumerTarget struct {
	ConsumerARN  string
	StreamARN    string
	ConsumerName string
}

func (t consumerTarget) about() (stream, shard string) {
	if t.ConsumerARN != "" {
		return nameOf(t.ConsumerARN), ""
	}
	return nameOf(t.StreamARN), ""
}

func (t consumerTarget) check() *failure {
	if t.ConsumerARN == "" && (t.StreamARN == "" || t.ConsumerName == "") {
		return fail(codeArgument, "Either ConsumerARN or both StreamARN and ConsumerName must be specified.")
	}
	return nil
}

// consumer finds one. The caller holds the lock.
func (s *Server) consumer(t consumerTarget, now time.Time) (*stream, *consumer, *failure) {
	name, _ := t.about()
	st, err := s.find(target{StreamName: name}, now)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range st.readers(now) {
		if (t.ConsumerARN == "" || t.ConsumerARN == c.arn) && (t.StreamARN == "" || t.StreamARN == st.arn) &&
			(t.ConsumerName == "" || t.ConsumerName == c.name) {
			return st, c, nil
		}
	}
	return nil, nil, fail(codeNotFound, "Consumer %s of stream %s not found.", t.ConsumerName, name)
}

type describeConsumer struct{ consumerTarget }

func (in *describeConsumer) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	st, c, err := s.consumer(in.consumerTarget, now)
	if err != nil {
		return nil, err
	}
	shown := c.show(now)
	shown.StreamARN = st.arn
	return struct{ ConsumerDescription shownConsumer }{shown}, nil
}

type deregisterConsumer struct{ consumerTarget }

func (in *deregisterConsumer) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	_, c, err := s.consumer(in.consumerTarget, now)
	if err != nil {
		return nil, err
	}
	if c.gone.IsZero() {
		c.gone = now.Add(s.settling())
	}
	return nil, nil
}

type listConsumers struct {
	target
	NextToken               string
	MaxResults              *int
	StreamCreationTimestamp *stamp
}

func (in *listConsumers) check() *failure {
	if in.MaxResults != nil && *in.MaxResults < 1 {
		return fail(codeValidation, "MaxResults must be at least 1")
	}
	if in.NextToken != "" && in.StreamCreationTimestamp != nil {
		return fail(codeArgument, "NextToken and StreamCreationTimestamp cannot be provided together.")
	}
	return in.target.check()
}

func (in *listConsumers) do(s *Server, _ outcome, now time.Time) (any, *failure) {
	t, err := s.page(in.NextToken, in.name(), now)
	if err != nil {
		return nil, err
	}
	st, err := s.find(in.target, now)
	if err != nil {
		return nil, err
	}
	limit := maxListedReaders
	if in.MaxResults != nil {
		limit = min(limit, *in.MaxResults)
	}
	out := struct {
		Consumers []shownConsumer
		NextToken string `json:",omitempty"`
	}{Consumers: []shownConsumer{}}
	for _, c := range st.readers(now) {
		if c.born() <= t.After {
			continue
		}
		if len(out.Consumers) == limit {
			t.Made = now.UnixMilli()
			out.NextToken = seal(t)
			break
		}
		out.Consumers = append(out.Consumers, c.show(now))
		t.After = c.born()
	}
	return out, nil
}

// born orders a stream's consumers by their making.
func (c *consumer) born() string { return fmt.Sprintf("%012d", c.created.Unix()) }
