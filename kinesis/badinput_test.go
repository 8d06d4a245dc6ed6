package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// canary stands in keys, values, headers and secrets of these tests. No error or log line may have it.
const canary = "canary-7f3a"

// told is what every error about bad input must be: of its class, with the operation and the place, and without payload.
func told(t testing.TB, err, want error, place ...string) {
	t.Helper()
	require.ErrorIs(t, err, want)
	var placed *stream.Error
	require.ErrorAs(t, err, &placed)
	require.NotEmpty(t, placed.Op)
	for _, name := range place {
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary)
}

// inBubble plays with a service that has the stream "s" of one shard.
func inBubble(t *testing.T, play func(t *testing.T, s *service, b *kinesis.Backend)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serve(1)
		require.NoError(t, s.Create("s", 1))
		b := openConfig(t, s.config())
		play(t, s, b)
		require.NoError(t, b.Close())
	})
}

// sender is a producer that is closed with the test, in whatever state it is.
func sender(t testing.TB, b stream.Backend, c stream.ProducerConfig) stream.Producer {
	t.Helper()
	p, err := stream.NewProducer(t.Context(), b, c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

// Names are refused wherever they are given, before anything is sent.
func TestNamesOfStreams(t *testing.T) {
	bad := []string{
		".", "..", "a b", "a/b", "a:b", "ü", "a\x00b", "a\nb", strings.Repeat("x", 129),
		"arn:aws:kinesis:eu-west-1:12:stream/s", "arn:aws:sqs:eu-west-1:123456789012:s",
	}
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		p := sender(t, b, stream.ProducerConfig{})
		before := len(s.Ops())
		for _, name := range bad {
			_, err := b.Capabilities(t.Context(), name)
			told(t, err, stream.ErrInvalid, "capabilities")
			told(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: name}), stream.ErrInvalid, "ensure")
			_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{name}})
			told(t, err, stream.ErrInvalid, "open")
			told(t, p.Send(t.Context(), recordOf(name)), stream.ErrInvalid, "append")
			for _, group := range []string{"", "g"} {
				c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: group, Streams: []string{name}})
				require.NoError(t, err)
				told(t, c.Run(t.Context(), all), stream.ErrInvalid)
				_, err = c.Lag(t.Context())
				told(t, err, stream.ErrInvalid)
			}
		}
		require.Len(t, s.Ops(), before, "something was asked of the service")
	})
}

// Config.Streams holds for producers that name no streams, too.
func TestStreamsThatAreNotConfigured(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, _ *kinesis.Backend) {
		require.NoError(t, s.Create("other", 1))
		config := s.config()
		config.Streams = []string{"s"}
		b := openConfig(t, config)
		p := sender(t, b, stream.ProducerConfig{})
		require.NoError(t, p.Send(t.Context(), recordOf("s")))
		told(t, p.Send(t.Context(), recordOf("other")), stream.ErrInvalid, "other")
		_, err := b.Capabilities(t.Context(), "other")
		told(t, err, stream.ErrInvalid, "other")
		require.NoError(t, b.Close())
	})
}

// recordOf is a record with the canary in it.
func recordOf(name string) *stream.Record {
	return &stream.Record{Stream: name, Key: []byte(canary), Value: []byte(canary)}
}

// A stream that is not there is ErrNotFound, and so is one that was deleted a moment ago.
func TestStreamsThatAreNotThere(t *testing.T) {
	for name, drop := range map[string]func(t *testing.T, s *service, b *kinesis.Backend){
		"never was": func(t *testing.T, s *service, _ *kinesis.Backend) { require.NoError(t, s.Drop("s")) },
		"is being deleted": func(t *testing.T, _ *service, b *kinesis.Backend) {
			_, err := b.Clients().Kinesis.DeleteStream(t.Context(), &awskinesis.DeleteStreamInput{StreamName: text("s")})
			require.NoError(t, err)
			time.Sleep(time.Second) // it goes on for a while
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
				drop(t, s, b)
				_, err := b.Capabilities(t.Context(), "s")
				told(t, err, stream.ErrNotFound, "s")
				_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"s"}})
				told(t, err, stream.ErrNotFound, "s")
				p := sender(t, b, stream.ProducerConfig{DeliveryTimeout: 10 * time.Second})
				told(t, p.Send(t.Context(), recordOf("s")), stream.ErrNotFound, "s")
				for _, group := range []string{"", "g"} {
					r, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: group, Streams: []string{"s"}})
					require.NoError(t, err)
					told(t, r.Run(t.Context(), all), stream.ErrNotFound, "s")
					_, err = r.Lag(t.Context())
					told(t, err, stream.ErrNotFound, "s")
				}
			})
		})
	}
}

// every calls each operation with ctx.
func every(ctx context.Context, t *testing.T, b *kinesis.Backend) map[string]error {
	t.Helper()
	p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
	c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
	require.NoError(t, err)
	errs := map[string]error{}
	_, errs["capabilities"] = b.Capabilities(ctx, "s")
	errs["ensure"] = b.EnsureStream(ctx, stream.StreamConfig{Name: "t"})
	_, errs["open sink"] = b.OpenSink(ctx, stream.SinkConfig{Streams: []string{"s"}})
	_, errs["open source"] = b.OpenSource(ctx, stream.SourceConfig{Group: "g", Member: "m", Streams: []string{"s"}})
	_, errs["lag of the backend"] = b.Lag(ctx, stream.SourceConfig{Group: "g", Streams: []string{"s"}}, nil)
	_, errs["open producer"] = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}})
	_, errs["lag"] = c.Lag(ctx)
	errs["send"] = p.Send(ctx, recordOf("s"))
	p.SendAsync(ctx, recordOf("s"), func(_ stream.Ack, err error) { errs["send async"] = err })
	return errs
}

// What is asked with a context that is over, or none, is not done.
func TestContexts(t *testing.T) {
	for name, c := range map[string]struct {
		ctx  func(*testing.T) (context.Context, context.CancelFunc)
		want error
	}{
		"nil": {func(*testing.T) (context.Context, context.CancelFunc) { return nil, func() {} }, stream.ErrInvalid},
		"cancelled": {func(t *testing.T) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, context.Canceled},
		"late": {func(t *testing.T) (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
				ctx, cancel := c.ctx(t)
				defer cancel()
				for op, err := range every(ctx, t, b) {
					require.ErrorIs(t, err, c.want, op)
					require.NotErrorIs(t, err, stream.ErrUnknownOutcome, op)
					require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary, op)
				}
				stored, err := s.Records("s", "")
				require.NoError(t, err)
				require.Empty(t, stored)
				require.Equal(t, []string{"s"}, s.Streams())
				_, err = kinesis.Open(ctx, s.config())
				require.ErrorIs(t, err, c.want)
			})
		})
	}
}

// Every handle answers ErrClosed from Close on.
func TestClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *service, b *kinesis.Backend) {
		p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
		require.NoError(t, err)
		require.NoError(t, b.Close())
		require.NoError(t, b.Close())
		_, err = b.Capabilities(t.Context(), "s")
		told(t, err, stream.ErrClosed)
		told(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "t"}), stream.ErrClosed)
		told(t, p.Send(t.Context(), recordOf("s")), stream.ErrClosed)
		told(t, c.Run(t.Context(), all), stream.ErrClosed)
		told(t, b.Abandon("g", "m"), stream.ErrClosed)
	})
}

// A batch with something in it that can never be stored is refused as a whole, before anything is sent; what only this
// backend refuses fails by itself. Sizes are counted with the key, to the byte.
func TestBatchesWithOneMistake(t *testing.T) {
	const limit = 1 << 20
	sized := func(n int) *stream.Record {
		return &stream.Record{Stream: "s", Key: []byte("key"), Value: make([]byte, n-len("key"))}
	}
	long := func(n int) *stream.Record {
		return &stream.Record{Stream: "s", Key: []byte(strings.Repeat("ü", n)), Value: []byte{}}
	}
	keyed := func(key []byte) *stream.Record { return &stream.Record{Stream: "s", Key: key, Value: []byte(canary)} }
	for name, c := range map[string]struct {
		wrong *stream.Record
		want  error // nil: it is stored
		whole bool
	}{
		"nil":                     {nil, stream.ErrInvalid, true},
		"no stream":               {&stream.Record{}, stream.ErrInvalid, true},
		"before 1970":             {&stream.Record{Stream: "s", Time: time.Unix(-5, 0)}, stream.ErrInvalid, true},
		"year 10000":              {&stream.Record{Stream: "s", Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, stream.ErrInvalid, true},
		"129 headers":             {&stream.Record{Stream: "s", Headers: make([]stream.Header, 129)}, stream.ErrTooLarge, true},
		"another stream":          {recordOf("elsewhere"), stream.ErrUnsupported, true},
		"the limit":               {sized(limit), nil, false},
		"the limit and one":       {sized(limit + 1), stream.ErrTooLarge, false},
		"a key of 256 characters": {long(256), nil, false},
		"a key of 257 characters": {long(257), stream.ErrTooLarge, false},
		"no key":                  {keyed(nil), stream.ErrUnsupported, false},
		"an empty key":            {keyed([]byte{}), stream.ErrUnsupported, false},
		"a key that is no text":   {keyed([]byte(canary + "\xff")), stream.ErrUnsupported, false},
		"a key with NUL":          {keyed([]byte("a\x00b\n\u2028")), nil, false},
		"a tombstone":             {&stream.Record{Stream: "s", Key: []byte("k")}, stream.ErrUnsupported, false},
		"an empty value":          {&stream.Record{Stream: "s", Key: []byte("k"), Value: []byte{}}, nil, false},
		"a header": {
			&stream.Record{Stream: "s", Key: []byte("k"), Value: []byte{}, Headers: []stream.Header{{Key: canary, Value: []byte(canary)}}},
			stream.ErrUnsupported, false,
		},
		"a time":                 {&stream.Record{Stream: "s", Key: []byte("k"), Value: []byte{}, Time: time.Unix(1, 0)}, stream.ErrUnsupported, false},
		"the look of aggregates": {&stream.Record{Stream: "s", Key: []byte("k"), Value: whole()}, stream.ErrUnsupported, false},
		"half of the look":       {&stream.Record{Stream: "s", Key: []byte("k"), Value: whole()[:20]}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
				sendWithNine(t, s, b, c.wrong, c.want, c.whole)
			})
		})
	}
}

// sendWithNine sends a record among nine good ones. Refusal is what becomes of it, nil: it is stored; whole: of all ten.
func sendWithNine(t *testing.T, s *service, b *kinesis.Backend, wrong *stream.Record, refusal error, whole bool) {
	t.Helper()
	p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
	batch := make([]*stream.Record, 10)
	for i := range batch {
		batch[i] = &stream.Record{Stream: "s", Key: fmt.Append(nil, i), Value: []byte(canary)}
	}
	batch[4] = wrong
	err := p.Send(t.Context(), batch...)
	want := len(batch)
	if refusal == nil {
		require.NoError(t, err)
	} else {
		want--
		told(t, err, refusal)
		var failures stream.Failures
		require.ErrorAs(t, err, &failures)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
		if !whole {
			require.Len(t, failures, 1)
			require.Same(t, wrong, failures[0].Record)
		}
	}
	if whole {
		want = 0
	}
	stored, err := s.Records("s", "")
	require.NoError(t, err)
	require.Len(t, stored, want)
	if refusal == nil {
		requireStored(t, stored, wrong)
	}
}

// whole is a value that is an aggregate itself.
func whole() []byte {
	return sealed([]byte{0x0a, 1, 'k', 0x1a, 5, 0x08, 0, 0x1a, 1, 'a'})
}

// requireStored fails unless a record stands in the service as it is, to the byte.
func requireStored(t *testing.T, stored []fakekinesis.Stored, rec *stream.Record) {
	t.Helper()
	for _, s := range stored {
		if s.Key == string(rec.Key) && string(s.Data) == string(rec.Value) {
			return
		}
	}
	require.Fail(t, "the record is not stored as it is")
}

// With Tags everything that Kinesis has no place for comes back as it was sent, and a value that is an aggregate too.
func TestWhatNeedsTagsComesBack(t *testing.T) {
	records := []*stream.Record{
		{Stream: "s", Value: []byte("no key")},
		{Stream: "s", Key: []byte{}, Value: []byte("an empty key")},
		{Stream: "s", Key: []byte("\xff\x00"), Value: []byte("a binary key")},
		{Stream: "s", Key: []byte("é"), Value: []byte("NFC")},
		{Stream: "s", Key: []byte("é"), Value: []byte("NFD")},
		{Stream: "s", Key: []byte(strings.Repeat("k", 1000)), Value: []byte("a long key")},
		{Stream: "s", Key: []byte("tombstone")},
		{Stream: "s", Key: []byte("empty"), Value: []byte{}},
		{Stream: "s", Key: []byte("aggregate"), Value: whole()},
		{Stream: "s", Key: []byte("torn"), Value: torn()},
		{Stream: "s", Key: []byte("headers"), Value: []byte("v"), Headers: []stream.Header{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: ""}}},
		{Stream: "s", Key: []byte("time"), Value: []byte("v"), Time: time.UnixMilli(1234)},
	}
	synctest.Test(t, func(t *testing.T) {
		s := serve(1)
		require.NoError(t, s.Create("s", 1))
		config := s.config()
		config.Tags = true
		b := openConfig(t, config)
		p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
		for _, r := range records {
			require.NoError(t, p.Send(t.Context(), r))
		}
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Streams: []string{"s"}, End: stream.Latest()})
		require.NoError(t, err)
		var got []*stream.Record
		require.NoError(t, c.Run(t.Context(), stream.Each(func(_ context.Context, r *stream.Record) error {
			got = append(got, r)
			return nil
		})))
		require.Len(t, got, len(records))
		for i, want := range records {
			require.Equal(t, want.Key, got[i].Key)
			require.Equal(t, want.Value, got[i].Value)
			require.Len(t, got[i].Headers, len(want.Headers))
			for j, h := range want.Headers {
				require.Equal(t, h.Key, got[i].Headers[j].Key)
				require.Equal(t, string(h.Value), string(got[i].Headers[j].Value))
			}
			if !want.Time.IsZero() {
				require.True(t, want.Time.Equal(got[i].Time))
			}
		}
		require.NoError(t, b.Close())
	})
}

// A stream that is deleted and made again while a producer and a consumer use it ends in an error of the place, or goes on;
// what is acknowledged after that is in the new one.
func TestStreamMadeAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}, DeliveryTimeout: 5 * time.Second})
		require.NoError(t, p.Send(t.Context(), recordOf("s")))
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		over := make(chan error, 1)
		go func() { over <- c.Run(ctx, all) }()
		time.Sleep(5 * time.Second)
		require.NoError(t, s.Drop("s"))
		told(t, p.Send(t.Context(), recordOf("s")), stream.ErrNotFound, "s")
		require.NoError(t, s.Create("s", 2))
		time.Sleep(10 * time.Second)
		again := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
		require.NoError(t, again.Send(t.Context(), recordOf("s")))
		stored, err := s.Records("s", "")
		require.NoError(t, err)
		require.NotEmpty(t, stored)
		if err := <-over; err != nil {
			var placed *stream.Error
			require.True(t, errors.As(err, &placed))
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary)
		}
	})
}
