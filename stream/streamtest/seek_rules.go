package streamtest

import (
	"time"

	"github.com/streamport-go/streamport/stream"
)

// apart is how far apart times are that a service tells apart.
const apart = 50 * time.Millisecond

func seekTime(t *T, name string) {
	old, recent := numbered(name, 4, 5), numbered(name, 4, 10)[20:]
	t.send(old...)
	t.pass(apart)
	at := time.Now()
	t.pass(apart)
	t.send(recent...)
	read := t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, Start: stream.Since(at)})
	t.only("since a time between", read, recent)
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, End: stream.Since(at)})
	t.only("up to a time between", read, old)
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name}, Start: stream.Since(at.Add(-time.Hour))})
	t.only("since an hour ago", read, append(old, recent...))
	read = t.readWith(t.Backend, stream.ConsumerConfig{Streams: []string{name},
		Start: stream.Since(time.Now().Add(time.Minute))})
	t.only("since a time to come", read, nil)
}

// pass lets a short time pass.
func (t *T) pass(d time.Duration) {
	if t.Pass != nil {
		t.Pass(d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// only fails unless just these records were read, in whatever order of keys.
func (t *T) only(what string, read map[string][]stream.Record, want []*stream.Record) {
	have := map[string]int{}
	for _, rec := range all(read) {
		have[string(rec.Value)]++
	}
	for _, rec := range want {
		t.check(have[string(rec.Value)] == 1, "%s, %q came %d times", what, rec.Value, have[string(rec.Value)])
		delete(have, string(rec.Value))
	}
	t.check(len(have) == 0, "%s, %d records too many came", what, len(have))
}

func noSeekTime(t *T, name string) {
	c := t.sourceConfig("", name)
	c.Start = stream.Since(time.Now().Add(-time.Hour))
	_, err := t.Backend.OpenSource(t.ctx, c)
	t.is(err, stream.ErrUnsupported, "OpenSource since a time, which is not claimed")
	t.answer("OpenSource since a time", err)
}
