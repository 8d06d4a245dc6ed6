package kafkago

import (
	"context"
	"sync/atomic"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// A view is where partitions are, as it was seen last. It does not change.
type view struct {
	topics map[string]sight
	err    error // why there is none
}

// A sight is what is known of a topic.
type sight struct {
	leaders []int32 // by partition; -1: none
	err     error   // why nothing can be appended, ever
}

// leader returns the broker that leads a partition, or -1.
func (v *view) leader(topic string, partition int32) int32 {
	if leaders := v.topics[topic].leaders; int(partition) < len(leaders) {
		return leaders[partition]
	}
	return -1
}

const (
	lookEvery = 100 * time.Millisecond // while something is under way
	lookFor   = 200 * time.Millisecond // at most, until a Transport knows anything

	// unknownFor is how long a topic must be unknown to brokers until it is told to be. One that was just made appears
	// on all brokers within that.
	unknownFor = 3 * time.Second
)

// A scout looks where partitions are, and places the records that came before that was known. A Transport keeps what it
// was told for metadataTTL, and asks by itself; looking costs no request.
type scout struct {
	sink  *sink
	asked chan struct{}
	over  chan struct{} // closed when run has returned
	busy  atomic.Bool   // set by the pump: something is under way
	lost  map[string]time.Time
	seen  *view
}

func newScout(s *sink) *scout {
	return &scout{
		sink: s, asked: make(chan struct{}, 1), over: make(chan struct{}), lost: map[string]time.Time{}, seen: &view{},
	}
}

// ask has the scout look now.
func (s *scout) ask() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// run looks until the sink ends, and fails what waits then.
func (s *scout) run() {
	defer close(s.over)
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for {
		select {
		case <-s.sink.running.Done():
			for _, t := range s.sink.every() {
				t.expire(time.Now(), errShut)
			}
			return
		case <-s.asked:
		case <-timer.C:
		}
		if s.look(s.sink.every()) {
			timer.Reset(lookEvery)
		}
	}
}

// look reports whether to look again soon.
func (s *scout) look(topics []*topic) bool {
	if len(topics) == 0 {
		return false
	}
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
	}
	ctx, cancel := context.WithTimeout(s.sink.running, lookFor)
	defer cancel()
	lines := s.sink.lines
	answer, err := lines.transport(append(names, s.sink.config.Streams...)).RoundTrip(
		ctx, lines.seeds(), &metadata.Request{TopicNames: names})
	now := time.Now()
	if told, ok := answer.(*metadata.Response); ok && err == nil {
		s.seen = s.read(told, now)
	} else {
		s.seen = &view{topics: s.seen.topics, err: mapped(err)}
	}
	again := s.busy.Load()
	for _, t := range topics {
		again = s.apply(t, now) || again
	}
	s.sink.pump.see(s.seen)
	return again
}

// apply tells a topic what was seen, and reports whether records wait for more.
func (s *scout) apply(t *topic, now time.Time) bool {
	seen := s.seen.topics[t.name]
	switch {
	case seen.err != nil:
		t.expire(now, engine.Unsent(seen.err))
	case len(seen.leaders) > 0:
		t.update(seen.leaders)
	}
	if !t.waits() {
		return false
	}
	t.expire(now, nil)
	return true
}

// read makes a view of what a Transport was told.
func (s *scout) read(told *metadata.Response, now time.Time) *view {
	v := &view{topics: make(map[string]sight, len(told.Topics))}
	alive := make(map[int32]bool, len(told.Brokers))
	for _, b := range told.Brokers {
		alive[b.NodeID] = true
	}
	for i := range told.Topics {
		t := &told.Topics[i]
		code := engine.Code(t.ErrorCode)
		if code != engine.UnknownTopic {
			delete(s.lost, t.Name)
		}
		switch code {
		case 0:
			v.topics[t.Name] = sight{leaders: leaders(t, alive)}
		case engine.UnknownTopic:
			if _, known := s.lost[t.Name]; !known {
				s.lost[t.Name] = now
			}
			if now.Sub(s.lost[t.Name]) >= unknownFor {
				v.topics[t.Name] = sight{err: refusedBy(code, t.Name)}
			}
		default:
			if sentinel := code.Sentinel(); sentinel != nil {
				v.topics[t.Name] = sight{err: refusedBy(code, t.Name)}
			}
		}
	}
	return v
}

func leaders(t *metadata.ResponseTopic, alive map[int32]bool) []int32 {
	all := make([]int32, len(t.Partitions))
	for i := range all {
		all[i] = -1
	}
	for _, p := range t.Partitions {
		if n := int(p.PartitionIndex); n >= 0 && n < len(all) && alive[p.LeaderID] {
			all[n] = p.LeaderID
		}
	}
	return all
}

// refusedBy is the error of a code that a broker answers about a topic. It names the right that is missing.
func refusedBy(code engine.Code, topic string) error {
	err := mapped(segmentio.Error(code))
	switch code {
	case engine.TopicDenied:
		return engine.Denied(err, "WRITE", "topic "+topic)
	case engine.ClusterDenied:
		// A producer number is given to whoever may write to any topic (KIP-679).
		return engine.Denied(err, "WRITE", "topic "+topic+", or IDEMPOTENT_WRITE on the cluster")
	}
	return err
}
