package streamtest

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/stream"
)

func lagRules() []rule {
	return []rule{
		{"LagJoinsNothing", "Lag tells how far the group is behind in every partition without joining it; what the " +
			"backend does not know is not known, not 0.", []string{"LagRecords", "LagTime"}, lagJoinsNothing},
	}
}

func lagJoinsNothing(t *T) {
	name := t.stream(2)
	recs := numbered(name, 8, 5)
	t.send(recs...)
	group := t.name("group")
	c := stream.ConsumerConfig{Group: group, Streams: []string{name}}
	if _, ok := t.Backend.(stream.LagReader); !ok {
		_, err := t.consumer(c).Lag(t.ctx)
		t.is(err, stream.ErrUnsupported, "Lag of a backend that is no LagReader")
		t.check(!t.claims(name,
			"LagRecords") && !t.claims(name, "LagTime"), "lag is claimed to be known, and the backend is no LagReader")
		t.notClaimed("LagReader")
	}
	if t.Pass != nil {
		t.Pass(time.Minute)
	}
	t.behind(c, len(recs), "of a group that nobody has joined")
	t.lagFixesNothing(name)

	grants := make(chan string, 100)
	running := t.start(c, func(ctx context.Context, p *stream.Partition) error {
		grants <- p.Name
		var last *stream.Record
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			if last == nil {
				last = rec
				if err := p.Checkpoint(ctx, rec); err != nil {
					return err
				}
				grants <- "checkpoint of " + p.Name
			}
		}
		return nil
	})
	partitions := len(t.read(name))
	for range 2 * partitions {
		select {
		case <-grants:
		case <-t.ctx.Done():
			t.fatal("the group was not granted its partitions")
		}
	}
	for range 3 {
		t.behind(c, len(recs)-partitions, fmt.Sprintf("of a group with a checkpoint in %d partitions", partitions))
	}
	t.settle()
	t.is(running.end(), nil, "Run beside Lag")
	t.check(len(grants) == 0, "a partition was granted anew: Lag has joined the group")
}

// behind fails unless the lag of a group is as it should be.
func (t *T) behind(c stream.ConsumerConfig, want int, whose string) {
	lags, err := t.consumer(c).Lag(t.ctx)
	t.ok(err, "Lag")
	records, oldest := 0, int64(0)
	for _, l := range lags {
		t.check(l.Records.Known == t.claims(l.Stream,
			"LagRecords"), "LagRecords is claimed %t, and a lag in records is known %t",
			t.claims(l.Stream, "LagRecords"), l.Records.Known)
		t.check(l.Millis.Known == t.claims(l.Stream, "LagTime"), "LagTime is claimed %t, and a lag in time is known %t",
			t.claims(l.Stream, "LagTime"), l.Millis.Known)
		t.check(l.Records.Known || l.Records.N == 0, "a lag in records that is not known is %d", l.Records.N)
		t.check(l.Millis.Known || l.Millis.N == 0, "a lag in time that is not known is %d", l.Millis.N)
		records += int(l.Records.N)
		oldest = max(oldest, l.Millis.N)
	}
	stream := c.Streams[0]
	if t.claims(stream, "LagRecords") {
		t.check(records == want, "the lag %s is %d records, and should be %d", whose, records, want)
	}
	if t.claims(stream, "LagTime") {
		t.check(oldest > 0, "the lag %s is 0 ms, and records are behind", whose)
		if t.Pass != nil {
			passed := time.Minute.Milliseconds()
			t.check(oldest >= passed, "the lag %s is %d ms, and the oldest record is %d ms old at least", whose, oldest, passed)
		}
	}
}

// lagFixesNothing sees that a group's Start is not applied by Lag.
func (t *T) lagFixesNothing(name string) {
	c := stream.ConsumerConfig{Group: t.name("late"), Streams: []string{name}, Start: stream.Latest()}
	_, err := t.consumer(c).Lag(t.ctx)
	t.ok(err, "Lag of a group that starts at the end")
	other := t.stream(1)
	c.Streams = []string{other}
	_, err = t.consumer(c).Lag(t.ctx)
	t.ok(err, "Lag of a group that starts at the end")
	t.send(plain(other, "k", "before the group was born"))
	t.apart()
	read := t.readWith(t.Backend, stream.ConsumerConfig{Group: c.Group, Streams: c.Streams, Start: c.Start})
	t.check(len(all(read)) == 0,
		"a group that starts at the end got %d records from before: Lag has applied its Start", len(all(read)))
}
