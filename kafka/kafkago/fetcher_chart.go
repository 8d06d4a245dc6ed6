package kafkago

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

const (
	// inspectEvery is how often metadata is looked at when all is well; it is in memory.
	inspectEvery = 2 * time.Second
	// lookSoon is how long after a look the next one is due that searches for a leader. It doubles up to lookLate.
	lookSoon = 50 * time.Millisecond
	lookLate = 400 * time.Millisecond
	// askFor is how long a broker may take to tell of leaders before the transport's memory is believed.
	askFor = time.Second
)

// A chart is what metadata says of leaders.
type chart struct {
	told *metadata.Response
	err  error
}

// look asks for metadata, and returns after what time it is due again.
func (f *fetcher) look(now time.Time) time.Duration {
	if f.looking || len(f.places) == 0 {
		return f.every
	}
	if wait := f.looked.Add(lookSoon).Sub(now); wait > 0 && !f.unled {
		return wait
	}
	seeking := f.seeking()
	every := f.every
	switch {
	case seeking:
		every = min(lookSoon<<f.looks, lookLate)
	case f.unled:
		every = 0
	}
	if wait := f.looked.Add(every).Sub(now); wait > 0 {
		return wait
	}
	f.looks = min(f.looks+1, 10)
	if !seeking {
		f.looks = 0
	}
	f.looking, f.unled, f.looked = true, false, now
	names, transport := f.names(), f.transport
	f.helpers.Go(func() {
		var c chart
		if seeking {
			c = f.chart(askFor, names, func(ctx context.Context, all *metadata.Request) (protocol.Message, error) {
				return f.lines.ask(ctx, "", all)
			})
		}
		if c.told == nil {
			c = f.chart(f.settings.RequestOverhead, names, func(ctx context.Context, all *metadata.Request) (protocol.Message, error) {
				return transport.RoundTrip(ctx, f.lines.seeds(), all)
			})
		}
		select {
		case f.charts <- c:
		case <-f.base.Done():
		}
	})
	return f.every
}

// seeking reports whether a leader moved or is not there: the transport's memory is too old to tell where to.
func (f *fetcher) seeking() bool {
	for _, at := range f.places {
		if !at.still && !at.paused && (at.tries > 0 || at.charted && at.leader == noBroker) {
			return true
		}
	}
	return false
}

// names are the topics that are read.
func (f *fetcher) names() []string {
	met := make(map[*subject]bool, len(f.topics))
	names := []string{} // nil would be all topics
	for _, at := range f.places {
		if !at.still && !met[at.topic] {
			met[at.topic] = true
			names = append(names, at.p.Topic)
		}
	}
	return names
}

// chart asks for metadata.
func (f *fetcher) chart(
	patience time.Duration, names []string, ask func(context.Context, *metadata.Request) (protocol.Message, error),
) chart {
	ctx, cancel := context.WithTimeout(f.base, patience)
	defer cancel()
	got, err := ask(ctx, &metadata.Request{TopicNames: names})
	if err != nil {
		return chart{err: patient(err)}
	}
	return chart{told: got.(*metadata.Response)}
}

// charted finds the leaders, and topics that are gone.
func (f *fetcher) charted(c chart) {
	f.looking = false
	now := time.Now()
	if c.err != nil {
		for _, at := range f.places {
			if at.trip == nil && !at.paused {
				f.failing(at, c.err, now)
			}
		}
		return
	}
	leads := leadersOf(c.told)
	for p, at := range f.places {
		if at.still {
			continue
		}
		found, ok := leads[p]
		if !ok {
			found, ok = leads[engine.Partition{Topic: p.Topic, Number: noBroker}]
		}
		if !ok { // it was added while this was asked
			continue
		}
		f.led(at, found, now)
	}
}

// A led is what metadata says of a partition, or, with noBroker for its number, of a topic.
type led struct {
	code   engine.Code
	leader int32
	epoch  int32 // of the leader; what has a lower one is older
}

func leadersOf(told *metadata.Response) map[engine.Partition]led {
	all := make(map[engine.Partition]led)
	for i := range told.Topics {
		topic := &told.Topics[i]
		code := engine.Code(topic.ErrorCode)
		if code == 0 {
			code = engine.UnknownTopic // what has this partition as well
		}
		all[engine.Partition{Topic: topic.Name, Number: noBroker}] = led{code: code, leader: noBroker}
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			all[engine.Partition{Topic: topic.Name, Number: p.PartitionIndex}] = led{leader: p.LeaderID, epoch: p.LeaderEpoch}
		}
	}
	return all
}

// led notes who leads a place.
func (f *fetcher) led(at *place, is led, now time.Time) {
	at.charted = true
	switch {
	case is.leader != noBroker && is.epoch < at.epoch:
	case is.leader != noBroker:
		at.absent, at.epoch = time.Time{}, is.epoch
		if at.leader != is.leader {
			at.topic.due = true
			at.leader, at.later = is.leader, time.Time{}
		}
	case is.code == 0 || is.code.AtLeader():
		at.absent = time.Time{}
		f.leaderless(at, now)
	case is.code != engine.UnknownTopic:
		f.breakUp(at, engine.Failed(int16(is.code), nil))
	case at.absent.IsZero():
		at.absent = now
		at.topic.doubt()
		f.leaderless(at, now)
	case now.Sub(at.absent) >= max(deletedAfter*f.every, 2*metadataTTL):
		f.breakUp(at, engine.Failed(int16(is.code), nil))
	}
}

// leaderless waits until there is a leader, though not for ever.
func (f *fetcher) leaderless(at *place, now time.Time) {
	at.leader = noBroker
	if at.since.IsZero() {
		at.since = now
	}
	if at.absent.IsZero() && now.Sub(at.since) >= outage {
		f.breakUp(at, engine.Failed(int16(engine.NoLeader), nil))
	}
}

// strayed gives up what a former leader should have answered long ago: it is out of reach. It returns when that will be.
func (at *place) strayed(now time.Time) (after time.Duration) {
	if at.trip == nil || at.trip.to == at.leader || at.leader == noBroker {
		return 0
	}
	if after = at.trip.wait + askFor - now.Sub(at.trip.begun); after <= 0 {
		at.trip.cancel()
	}
	return max(after, 0)
}
