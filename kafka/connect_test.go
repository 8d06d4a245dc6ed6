package kafka_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// fake starts a fake broker with the topic "s".
func fake(t *testing.T, options ...kfake.Opt) []string {
	t.Helper()
	c, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(1, "s"))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

// refusing starts a fake broker that refuses all credentials as a real one does: the fake itself only hangs up.
func refusing(t *testing.T) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"),
		kfake.Superuser("SCRAM-SHA-256", "u", "p"), kfake.Superuser("SCRAM-SHA-512", "u", "p"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		answer := request.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return answer, nil, true
	})
	return c.ListenAddrs()
}

// open opens c through the library that it names.
func open(t *testing.T, c kafka.Config) *kafka.Backend {
	t.Helper()
	if c.Client == kafka.KafkaGo {
		return kafkaGo.strict(t, c)
	}
	return franzGo.strict(t, c)
}

// use sends a record, reads it back and asks for capabilities: on connections of every kind that the backend makes.
func use(ctx context.Context, b stream.Backend) error {
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}})
	if err != nil {
		return err
	}
	if err := p.Send(ctx, &stream.Record{Stream: "s", Key: []byte("k"), Value: []byte("v")}); err != nil {
		return err
	}
	if err := p.Close(ctx); err != nil {
		return err
	}
	c, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}, End: stream.Latest()})
	if err != nil {
		return err
	}
	return c.Run(ctx, stream.Each(func(context.Context, *stream.Record) error { return nil }))
}

// bounded is a context that ends before a test that hangs does.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestPasswords(t *testing.T) {
	const user = "alice"
	brokers := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", user, canary),
		kfake.Superuser("SCRAM-SHA-256", user, canary), kfake.Superuser("SCRAM-SHA-512", user, canary))
	strict := refusing(t)
	inEach(t, func(t *testing.T, l library) {
		for _, mechanism := range []kafka.Mechanism{kafka.Plain, kafka.SCRAM256, kafka.SCRAM512} {
			t.Run(string(mechanism), func(t *testing.T) {
				c := kafka.Config{Brokers: brokers, Client: kafka.Client(l)}
				c.SASL = kafka.SASL{Mechanism: mechanism, User: user, Password: secret.New(canary), AllowPlaintext: true}
				require.NoError(t, use(bounded(t), open(t, c)))
				c.Brokers = strict
				refusedAtOnce(t, c)
			})
		}
	})
}

// refusedAtOnce wants every way in to be refused for the credentials, sooner than retries would take.
func refusedAtOnce(t *testing.T, c kafka.Config) {
	t.Helper()
	begun := time.Now()
	for op, err := range everyWayIn(bounded(t), open(t, c)) {
		require.ErrorIs(t, err, stream.ErrUnauthorized, op)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary, op)
		var placed *stream.Error
		require.ErrorAs(t, err, &placed, op)
	}
	require.Less(t, time.Since(begun), 10*time.Second)
}

// everyWayIn returns the errors of all that asks brokers.
func everyWayIn(ctx context.Context, b *kafka.Backend) map[string]error {
	errs := map[string]error{}
	_, errs["capabilities"] = b.Capabilities(ctx, "s")
	errs["ensure"] = b.EnsureStream(ctx, stream.StreamConfig{Name: "t"})
	_, errs["producer"] = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}})
	_, errs["producer of any"] = stream.NewProducer(ctx, b, stream.ProducerConfig{})
	consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
	errs["consumer"] = err
	if err == nil {
		errs["consumer"] = consumer.Run(ctx, func(context.Context, *stream.Partition) error { return nil })
		_, errs["lag"] = consumer.Lag(ctx)
	}
	return errs
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue(t, "localhost")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ca.pem))
	encrypted := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	mutual := fake(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	own, ownKey := ca.issue(t, "client")
	strange, strangeKey := other.issue(t, "client")
	cases := map[string]struct {
		brokers []string
		tls     kafka.TLS
		want    error
	}{
		"encrypted":             {encrypted, kafka.TLS{CA: ca.pem}, nil},
		"unknown authority":     {encrypted, kafka.TLS{CA: other.pem}, stream.ErrUnauthorized},
		"the system's":          {encrypted, kafka.TLS{Enabled: true}, stream.ErrUnauthorized},
		"another name":          {encrypted, kafka.TLS{CA: ca.pem, ServerName: "elsewhere"}, stream.ErrUnauthorized},
		"mutual":                {mutual, kafka.TLS{CA: ca.pem, Cert: own, Key: secret.New(ownKey)}, nil},
		"without certificate":   {mutual, kafka.TLS{CA: ca.pem}, stream.ErrUnauthorized},
		"a strange certificate": {mutual, kafka.TLS{CA: ca.pem, Cert: strange, Key: secret.New(strangeKey)}, stream.ErrUnauthorized},
	}
	inEach(t, func(t *testing.T, l library) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				b := l.strict(t, kafka.Config{Brokers: c.brokers, TLS: c.tls, RequestTimeout: time.Second})
				if c.want == nil {
					require.NoError(t, use(bounded(t), b))
					return
				}
				for op, err := range everyWayIn(bounded(t), b) {
					require.ErrorIs(t, err, c.want, op)
				}
			})
		}
	})
}

func TestDialIsReplacedAndEncrypted(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "broker.example")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(t, err)
	brokers := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	c := kafka.Config{Brokers: []string{"broker.example:9093"}, TLS: kafka.TLS{CA: ca.pem, ServerName: "broker.example"}}
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, brokers[0])
	}
	inEach(t, func(t *testing.T, l library) { require.NoError(t, use(bounded(t), l.strict(t, c))) })
}

func TestUnreachableBrokersAreNamedInTime(t *testing.T) { inEach(t, unreachable) }

func unreachable(t *testing.T, lib library) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	for name, brokers := range map[string][]string{"one": {nobody}, "two": {nobody, "127.0.0.1:1"}} {
		t.Run(name, func(t *testing.T) {
			b := lib.strict(t, kafka.Config{Brokers: brokers})
			begun := time.Now()
			_, err := b.Capabilities(bounded(t), "s")
			require.ErrorContains(t, err, "brokers "+strings.Join(brokers, ","))
			require.Less(t, time.Since(begun), 20*time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			begun = time.Now()
			_, err = stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}})
			require.Error(t, err)
			require.Less(t, time.Since(begun), 3*time.Second, "a context that ends is heeded")
		})
	}
}

// A broker that takes connections and says nothing.
func TestSilentBrokersAreNamedInTime(t *testing.T) { inEach(t, silent) }

func silent(t *testing.T, lib library) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	b := lib.strict(t, kafka.Config{Brokers: []string{l.Addr().String()}, RequestTimeout: 200 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = b.Capabilities(ctx, "s")
	require.ErrorContains(t, err, "brokers "+l.Addr().String())
}

func TestBackendCloseEndsEverything(t *testing.T) { inEach(t, closeEndsEverything) }

func closeEndsEverything(t *testing.T, l library) {
	t.Helper()
	b := l.strict(t, kafka.Config{Brokers: fake(t)})
	ctx := bounded(t)
	sink, err := b.OpenSink(ctx, sinkConfig())
	require.NoError(t, err)
	_, isTx := sink.(stream.TxSink)
	require.False(t, isTx)
	sinks := []stream.Sink{sink}
	if l == franzGo {
		require.NoError(t, b.Client().Ping(ctx), "the typed way out works")
		transactions := sinkConfig()
		transactions.Transactions, transactions.Sessions = true, 1
		tx, err := b.OpenSink(ctx, transactions)
		require.NoError(t, err)
		require.Implements(t, (*stream.TxSink)(nil), tx)
		sinks = append(sinks, tx)
	}
	closed, err := b.OpenSink(ctx, sinkConfig())
	require.NoError(t, err)
	require.NoError(t, closed.Close(ctx))
	source, err := b.OpenSource(ctx, stream.SourceConfig{
		Group: "g", Member: "m", Streams: []string{"s"}, Grace: time.Second, Expired: stream.ExpiredFail,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	claim, err := source.Next(ctx)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	_, err = source.Next(ctx)
	require.ErrorIs(t, err, stream.ErrClosed)
	_, err = claim.Fetch(ctx, make([]stream.Record, 1))
	require.ErrorIs(t, err, stream.ErrClosed)
	for _, s := range sinks {
		s.Append(ctx, []*stream.Record{{Stream: "s"}}, func(_ stream.Ack, err error) { require.ErrorIs(t, err, stream.ErrClosed) })
	}
	for op, err := range everyWayIn(ctx, b) {
		require.ErrorIs(t, err, stream.ErrClosed, op)
	}
	require.ErrorIs(t, b.Abandon("g", "m"), stream.ErrClosed)
}

func sinkConfig() stream.SinkConfig {
	return stream.SinkConfig{
		Streams: []string{"s"}, Member: "m", DeliveryTimeout: 10 * time.Second, BufferedRecords: 100, BufferedBytes: 1 << 20,
		Observe: func(stream.Event) {}, Logger: slog.New(slog.DiscardHandler),
	}
}

func TestTransactionsNeedIdempotence(t *testing.T) {
	b := open(t, kafka.Config{Brokers: fake(t), Acks: kafka.AcksLeader})
	c := sinkConfig()
	c.Transactions, c.Sessions = true, 1
	_, err := b.OpenSink(t.Context(), c)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.NoError(t, use(bounded(t), b), "the rest works")
	have, err := b.Capabilities(t.Context(), "s")
	require.NoError(t, err)
	require.Equal(t, stream.None, have.IdempotentProduce.Support)
	require.Equal(t, stream.None, have.Transactions.Support)
}

// Nothing that is printed while credentials are in use holds one of them: no error, no log at any level, no stack.
func TestNoSecretIsToldWhileConnecting(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "client")
	t.Setenv("AWS_REGION", "eu-west-1")
	var log locked
	everything := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
	users := refusing(t)
	lines := strings.Split(strings.TrimSpace(key), "\n")
	secrets := []string{canary, lines[1]}
	inEach(t, func(t *testing.T, l library) {
		for _, c := range []kafka.Config{
			{SASL: kafka.SASL{Mechanism: kafka.Plain, User: "u", Password: secret.New(canary)}},
			{SASL: kafka.SASL{Mechanism: kafka.SCRAM256, User: "u", Password: secret.New(canary)}},
			{SASL: kafka.SASL{Mechanism: kafka.SCRAM512, User: "u", Password: secret.New(canary)}},
			{SASL: kafka.SASL{Mechanism: kafka.SCRAM512, User: "u", Password: secret.New(canary + "\ue000")}}, // SASLprep bans it
			{SASL: kafka.SASL{Mechanism: kafka.OAuthBearer, Token: tokens(canary, nil, nil)}},
			{SASL: kafka.SASL{Mechanism: kafka.OAuthBearer, Token: tokens(canary+"\n", nil, nil)}},
			{SASL: kafka.SASL{Mechanism: kafka.AWSMSKIAM, Credential: func(context.Context) (kafka.Credential, error) {
				return kafka.Credential{AccessKey: "a", SecretKey: secret.New(canary), SessionToken: secret.New(canary)}, nil
			}}},
			{TLS: kafka.TLS{Cert: cert, Key: secret.New(key)}, SASL: kafka.SASL{Mechanism: kafka.Plain, User: "u", Password: secret.New(canary)}},
		} {
			c.Brokers, c.SASL.AllowPlaintext, c.Logger, c.RequestTimeout = users, true, everything, time.Second
			c.Client = kafka.Client(l)
			told := toldWhile(t, c)
			for _, s := range secrets {
				require.NotContains(t, told, s, "%s", c.SASL.Mechanism)
			}
		}
	})
	require.NotEmpty(t, log.String())
	for _, s := range secrets {
		require.NotContains(t, log.String(), s)
	}
}

// toldWhile returns all that is printed about a configuration, and what goes wrong with it in every way in.
func toldWhile(t *testing.T, c kafka.Config) string {
	t.Helper()
	b := open(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	told := fmt.Sprintf("%v %+v %#v %+v", c, &c, c, b)
	errs := everyWayIn(ctx, b)
	require.Error(t, errs["capabilities"])
	for _, err := range errs {
		told += fmt.Sprintf("%v %+v %#v", err, err, err)
	}
	return told + stacks()
}

func stacks() string {
	all := make([]byte, 1<<20)
	return string(all[:runtime.Stack(all, true)])
}

// locked is a buffer for many goroutines.
type locked struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
