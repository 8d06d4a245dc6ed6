package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

const canary = "CANARY-7f3a"

// No error, event or log line of the library's holds a key, a value or a header, on any profile, whatever goes wrong. What
// a handler's own error says goes into errors, but not into the log.
func TestNothingOfARecordIsTold(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Kafka, memory.Kinesis, memory.Strict} {
		t.Run(profile.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told transcript
				b, err := memory.Open(t.Context(), memory.Config{
					Profile: profile, Streams: []stream.StreamConfig{{Name: "s", Partitions: 1}, {Name: "dead", Partitions: 1}},
				})
				require.NoError(t, err)
				p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{
					Observe: func(e stream.Event) { told.add(e) }, Logger: told.logger(),
				})
				require.NoError(t, err)
				for _, rec := range badRecords() {
					told.add(p.Send(t.Context(), rec))
				}
				require.NoError(t, p.Send(t.Context(), &stream.Record{Stream: "s", Key: []byte(canary), Value: []byte(canary)}))

				for _, policy := range []stream.Policy{{}, {Skip: true}, {Park: true, ParkFor: time.Minute}, stream.DeadLetter(p, "dead")} {
					policy.Attempts = 2
					c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
						Streams: []string{"s"}, End: stream.Latest(),
						Observe: func(e stream.Event) { told.add(e) }, Logger: told.logger(),
					})
					require.NoError(t, err)
					told.add(c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error { return errors.New("fails") }, policy)))
				}
				told.add(p.Close(t.Context()))
				require.NoError(t, b.Close())
				require.NotContains(t, told.text(), canary)
				require.Contains(t, told.text(), "record retried", "the log was written")
			})
		})
	}
}

// badRecords are refused by one backend or another; their bytes are the canary's.
func badRecords() []*stream.Record {
	header := func(n int) []stream.Header {
		return append(make([]stream.Header, n), stream.Header{Key: canary, Value: []byte(canary)})
	}
	return []*stream.Record{
		{Stream: "s", Key: []byte(canary), Value: bytes.Repeat([]byte(canary), 1<<18)},
		{Stream: "s", Key: []byte(strings.Repeat(canary, 40)), Value: []byte(canary), Headers: header(200)},
		{Stream: "s", Key: []byte(canary + "\xff"), Value: []byte(canary)},
		{Stream: "s", Key: []byte(strings.Repeat(canary, 40)), Value: []byte(canary)},
		{Stream: "s", Key: []byte(canary), Headers: header(1)},
		{Stream: "s", Key: []byte(canary), Value: []byte(canary), Time: time.Unix(-1, 0)},
		{Stream: "missing", Key: []byte(canary), Value: []byte(canary)},
	}
}

// transcript is everything that was told, in every form in which a service may print it.
type transcript struct {
	mu  sync.Mutex // guards what follows
	all bytes.Buffer
}

func (t *transcript) add(what any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err, ok := what.(error); ok {
		fmt.Fprintln(&t.all, err.Error())
		return
	}
	fmt.Fprintf(&t.all, "%v %+v %#v\n", what, what, what)
}

func (t *transcript) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.Write(line)
}

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.String()
}

func (t *transcript) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(t, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
