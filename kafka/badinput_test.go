package kafka_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// told is what every error about bad input must be: of its class, with the operation and place, and without payload.
func told(t *testing.T, err, want error, place ...string) {
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

// badNames are no topics' names, by the brokers' own rules.
func badNames() []string {
	return []string{".", "..", "a b", "a/b", "a:b", "ü", "a\x00b", "a\nb", strings.Repeat("x", 250)}
}

// Names are refused wherever they are given, before anything is sent.
func TestNamesOfTopics(t *testing.T) {
	inEach(t, func(t *testing.T, l library) {
		b := l.strict(t, kafka.Config{Brokers: fake(t, kfake.AllowAutoTopicCreation())})
		refusesNames(t, b)
		_, err := stream.NewProducer(bounded(t), b, stream.ProducerConfig{Streams: []string{strings.Repeat("x", 249)}})
		told(t, err, stream.ErrNotFound)
	})
}

func refusesNames(t *testing.T, b *kafka.Backend) {
	t.Helper()
	p := quickProducer(t, b, stream.ProducerConfig{})
	for _, name := range badNames() {
		ctx := bounded(t)
		_, err := b.Capabilities(ctx, name)
		told(t, err, stream.ErrInvalid, "capabilities")
		told(t, stream.EnsureStream(ctx, b, stream.StreamConfig{Name: name}), stream.ErrInvalid, "ensure")
		_, err = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{name}})
		told(t, err, stream.ErrInvalid, "open")
		told(t, p.Send(ctx, &stream.Record{Stream: name, Value: []byte(canary)}), stream.ErrInvalid, "append")
		for _, group := range []string{"", "g"} {
			c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: group, Streams: []string{name}})
			require.NoError(t, err)
			told(t, c.Run(ctx, nothing), stream.ErrInvalid)
			_, err = c.Lag(ctx)
			told(t, err, stream.ErrInvalid)
		}
	}
	for _, name := range []string{"", "^s"} {
		told(t, p.Send(bounded(t), &stream.Record{Stream: name, Value: []byte(canary)}), stream.ErrInvalid)
		_, err := stream.NewProducer(bounded(t), b, stream.ProducerConfig{Streams: []string{name}})
		told(t, err, stream.ErrInvalid)
	}
	c, err := stream.NewConsumer(bounded(t), b, stream.ConsumerConfig{Group: "g", Streams: []string{"^("}})
	require.NoError(t, err)
	told(t, c.Run(bounded(t), nothing), stream.ErrInvalid, "^(")
}

func nothing(context.Context, *stream.Partition) error { return nil }

// quickProducer is closed with the test, in whatever state it is.
func quickProducer(t *testing.T, b stream.Backend, c stream.ProducerConfig) stream.Producer {
	t.Helper()
	p, err := stream.NewProducer(bounded(t), b, c)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Close(ctx) // a failure of the test's own making may stick
	})
	return p
}

// every calls each operation with ctx.
func every(ctx context.Context, t *testing.T, l library, b *kafka.Backend) map[string]error {
	t.Helper()
	config := stream.ProducerConfig{Streams: []string{"s"}}
	if l == franzGo {
		config.Require.Transactions = stream.Native
	}
	p := quickProducer(t, b, config)
	c, err := stream.NewConsumer(bounded(t), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
	require.NoError(t, err)
	errs := map[string]error{}
	_, errs["capabilities"] = b.Capabilities(ctx, "s")
	errs["ensure"] = b.EnsureStream(ctx, stream.StreamConfig{Name: "t"})
	_, errs["open sink"] = b.OpenSink(ctx, sinkConfig())
	_, errs["open source"] = b.OpenSource(ctx, stream.SourceConfig{Group: "g", Member: "m", Streams: []string{"s"}})
	_, errs["lag of the backend"] = b.Lag(ctx, stream.SourceConfig{Group: "g", Streams: []string{"s"}}, nil)
	_, errs["open producer"] = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}})
	_, errs["lag"] = c.Lag(ctx)
	errs["send"] = p.Send(ctx, &stream.Record{Stream: "s", Value: []byte(canary)})
	p.SendAsync(ctx, &stream.Record{Stream: "s", Value: []byte(canary)}, func(_ stream.Ack, err error) { errs["send async"] = err })
	if l == franzGo {
		errs["transact"] = p.Transact(ctx, func(stream.Tx) error { return nil })
	}
	return errs
}

func TestContexts(t *testing.T) { inEach(t, contexts) }

func contexts(t *testing.T, l library) {
	t.Helper()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for name, c := range map[string]struct {
		ctx  context.Context
		want error
	}{"nil": {nil, stream.ErrInvalid}, "cancelled": {cancelled, context.Canceled}, "late": {late, context.DeadlineExceeded}} {
		t.Run(name, func(t *testing.T) {
			b := l.strict(t, kafka.Config{Brokers: fake(t)})
			for op, err := range every(c.ctx, t, l, b) {
				require.ErrorIs(t, err, c.want, op)
				require.NotErrorIs(t, err, stream.ErrUnknownOutcome, op)
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary, op)
			}
			lags, err := b.Lag(bounded(t), stream.SourceConfig{Streams: []string{"s"}}, nil)
			require.NoError(t, err)
			require.Zero(t, lags[0].Records.N, "something was stored")
			_, err = l.open(c.ctx, kafka.Config{Brokers: []string{"127.0.0.1:1"}})
			require.ErrorIs(t, err, c.want)
		})
	}
}

// Batches with something in them that can never be stored are refused as a whole, before anything is sent; what only this
// backend refuses fails by itself.
func TestBatchesWithOneMistake(t *testing.T) {
	inEach(t, func(t *testing.T, l library) {
		batchesWithOneMistake(t, l.strict(t, kafka.Config{Brokers: fake(t)}), "s")
	})
}

func batchesWithOneMistake(t *testing.T, b stream.Backend, topic string) {
	t.Helper()
	p := quickProducer(t, b, stream.ProducerConfig{Streams: []string{topic}})
	require.NoError(t, p.Send(bounded(t)), "nothing is no mistake")
	for name, c := range map[string]struct {
		wrong *stream.Record
		want  error
		whole bool
	}{
		"nil":               {nil, stream.ErrInvalid, true},
		"no stream":         {&stream.Record{}, stream.ErrInvalid, true},
		"another stream":    {&stream.Record{Stream: "elsewhere"}, stream.ErrUnsupported, true},
		"before 1970":       {&stream.Record{Stream: topic, Time: time.Unix(-5, 0)}, stream.ErrInvalid, true},
		"year 10000":        {&stream.Record{Stream: topic, Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, stream.ErrInvalid, true},
		"129 headers":       {&stream.Record{Stream: topic, Headers: make([]stream.Header, 129)}, stream.ErrTooLarge, true},
		"10,000 headers":    {&stream.Record{Stream: topic, Headers: make([]stream.Header, 10_000)}, stream.ErrTooLarge, true},
		"256 KiB + 1":       {&stream.Record{Stream: topic, Headers: []stream.Header{{Key: "k", Value: make([]byte, 256<<10)}}}, stream.ErrTooLarge, true},
		"a header of 1 MiB": {&stream.Record{Stream: topic, Headers: []stream.Header{{Value: make([]byte, 1<<20)}}}, stream.ErrTooLarge, true},
		"too large":         {&stream.Record{Stream: topic, Value: make([]byte, 2<<20)}, stream.ErrTooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			begin := endOf(t, b, topic)
			batch := make([]*stream.Record, 10)
			for i := range batch {
				batch[i] = &stream.Record{Stream: topic, Key: []byte("k"), Value: []byte(canary)}
			}
			batch[4] = c.wrong
			err := p.Send(bounded(t), batch...)
			told(t, err, c.want)
			var failures stream.Failures
			require.ErrorAs(t, err, &failures)
			for _, f := range failures {
				require.NotErrorIs(t, f.Err, stream.ErrUnknownOutcome)
				if !c.whole {
					require.Same(t, c.wrong, f.Record)
				}
			}
			stored := 0
			if !c.whole {
				stored = 9
			}
			require.EqualValues(t, stored, endOf(t, b, topic)-begin)
		})
	}
}

// endOf is how many records the topic has.
func endOf(t *testing.T, b stream.Backend, topic string) (n int64) {
	t.Helper()
	c, err := stream.NewConsumer(bounded(t), b, stream.ConsumerConfig{Streams: []string{topic}})
	require.NoError(t, err)
	lags, err := c.Lag(bounded(t))
	require.NoError(t, err)
	for _, l := range lags {
		n += l.Records.N
	}
	return n
}

// A certificate is good for a time and a name.
func TestCertificatesOutOfDate(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issueUntil(t, "localhost", time.Now().Add(-time.Minute))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ca.pem))
	good, goodKey := ca.issue(t, "localhost")
	valid, err := tls.X509KeyPair([]byte(good), []byte(goodKey))
	require.NoError(t, err)
	expired := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	asks := fake(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{valid}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	refusedAtOnce(t, kafka.Config{Brokers: expired, TLS: kafka.TLS{CA: ca.pem}})
	refusedAtOnce(t, kafka.Config{Brokers: asks, TLS: kafka.TLS{CA: ca.pem, Cert: cert, Key: secret.New(key)}})
}

// A server that is no broker, or a broken one, is an error that names it: in time, and without the memory it asks for.
func TestServersThatAreNoBrokers(t *testing.T) { inEach(t, noBrokers) }

func noBrokers(t *testing.T, l library) {
	t.Helper()
	for name, answer := range map[string][]byte{
		"says nothing and hangs up": {},
		"speaks HTTP":               []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"answers of 2 GiB":          binary.BigEndian.AppendUint32(nil, 1<<31-1),
		"answers of negative size":  binary.BigEndian.AppendUint32(nil, 1<<32-1),
		"answers of nothing":        {0, 0, 0, 0},
		"another request's answer":  {0, 0, 0, 8, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"half an answer":            {0, 0, 0, 100, 0, 0, 0, 0},
		"noise":                     []byte(strings.Repeat("\x00\x00\x00\x40\x00\x00\x00\x00\xff\xfe\x7f", 100)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := answering(t, answer)
			b := l.strict(t, kafka.Config{Brokers: []string{address}, RequestTimeout: 200 * time.Millisecond})
			var before, behind runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			for op, try := range map[string]func(context.Context) error{
				"capabilities": func(ctx context.Context) error { _, err := b.Capabilities(ctx, "s"); return err },
				"open sink":    func(ctx context.Context) error { _, err := b.OpenSink(ctx, sinkConfig()); return err },
				"ensure":       func(ctx context.Context) error { return b.EnsureStream(ctx, stream.StreamConfig{Name: "s"}) },
			} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				err := try(ctx)
				cancel()
				var placed *stream.Error
				require.ErrorAs(t, err, &placed, op)
				require.Equal(t, op, placed.Op)
			}
			require.Less(t, time.Since(begun), 10*time.Second)
			runtime.ReadMemStats(&behind)
			require.Less(t, behind.TotalAlloc-before.TotalAlloc, uint64(512<<20))
		})
	}
}

// answering is a server that answers the first bytes of every connection so, and hangs up.
func answering(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			_, _ = io.ReadFull(c, make([]byte, 4))
			_, _ = c.Write(answer)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// franz-go counts nanoseconds since 1970, which overflow in 2262: later times would be stored as others.
func TestTimesThatWouldBeOthers(t *testing.T) { inEach(t, timesThatWouldBeOthers) }

func timesThatWouldBeOthers(t *testing.T, l library) {
	t.Helper()
	b := l.strict(t, kafka.Config{Brokers: fake(t)})
	p := quickProducer(t, b, stream.ProducerConfig{Streams: []string{"s"}})
	last := time.Unix(0, 1<<63-1)
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: "s", Time: last.Truncate(time.Second).Add(-time.Millisecond)}))
	for _, at := range []time.Time{last.Add(time.Second), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		told(t, p.Send(bounded(t), &stream.Record{Stream: "s", Key: []byte(canary), Time: at}), stream.ErrInvalid, "s")
	}
	c, err := stream.NewConsumer(bounded(t), b, stream.ConsumerConfig{Streams: []string{"s"}, End: stream.Latest()})
	require.NoError(t, err)
	var read []time.Time
	require.NoError(t, c.Run(bounded(t), stream.Each(func(_ context.Context, r *stream.Record) error {
		read = append(read, r.Time)
		return nil
	})))
	require.Len(t, read, 1)
	require.Equal(t, last.Truncate(time.Second).Add(-time.Millisecond).UnixMilli(), read[0].UnixMilli())
}
