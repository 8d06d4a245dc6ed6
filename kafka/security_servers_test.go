//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// secure starts a broker with secured listeners, and the topic "s".
func secure(t *testing.T, version string, properties map[string]string) *testenv.Cluster {
	t.Helper()
	c := testenv.Run(t, testenv.Config{Version: version, Secure: true, Properties: properties})
	b := open(t, kafka.Config{Brokers: c.Bootstrap()})
	require.NoError(t, stream.EnsureStream(bounded(t), b, stream.StreamConfig{Name: "s", Partitions: 1}))
	return c
}

// ways are the configurations that the brokers let in, and what is wrong with each in turn.
func ways(t *testing.T, c *testenv.Cluster, l library) map[string]struct{ right, wrong kafka.Config } {
	t.Helper()
	cert, key := c.ClientCert()
	ca := kafka.TLS{CA: string(c.CAPEM())}
	own := kafka.TLS{CA: string(c.CAPEM()), Cert: string(cert), Key: secret.New(string(key))}
	all := map[string]struct{ right, wrong kafka.Config }{
		"mTLS": {kafka.Config{Brokers: c.MTLS(), TLS: own}, kafka.Config{Brokers: c.MTLS(), TLS: ca}},
		"unknown authority": {
			kafka.Config{Brokers: c.SASLTLS(), TLS: ca, SASL: password(kafka.Plain, testenv.AlicePassword)},
			kafka.Config{Brokers: c.SASLTLS(), TLS: kafka.TLS{CA: newAuthority(t).pem}, SASL: password(kafka.Plain, testenv.AlicePassword)},
		},
	}
	for _, m := range []kafka.Mechanism{kafka.Plain, kafka.SCRAM256, kafka.SCRAM512, kafka.OAuthBearer} {
		right, wrong := password(m, testenv.AlicePassword), password(m, canary)
		if m == kafka.OAuthBearer {
			right, wrong = bearer(time.Hour), bearer(-time.Hour)
		}
		all[string(m)+" over TLS"] = struct{ right, wrong kafka.Config }{
			kafka.Config{Brokers: c.SASLTLS(), TLS: ca, SASL: right}, kafka.Config{Brokers: c.SASLTLS(), TLS: ca, SASL: wrong},
		}
		right.AllowPlaintext, wrong.AllowPlaintext = true, true
		all[string(m)+" in the clear"] = struct{ right, wrong kafka.Config }{
			kafka.Config{Brokers: c.SASLPlain(), SASL: right}, kafka.Config{Brokers: c.SASLPlain(), SASL: wrong},
		}
	}
	for name, way := range all {
		way.right.Client, way.wrong.Client = kafka.Client(l), kafka.Client(l)
		all[name] = way
	}
	return all
}

func password(m kafka.Mechanism, text string) kafka.SASL {
	return kafka.SASL{Mechanism: m, User: testenv.Alice, Password: secret.New(text)}
}

// bearer is a token, with an extension, that is valid for so long when it is asked for.
func bearer(valid time.Duration) kafka.SASL {
	return kafka.SASL{Mechanism: kafka.OAuthBearer, Token: func(context.Context) (kafka.Token, error) {
		token := secret.New(testenv.OAuthToken(testenv.Alice, time.Now().Add(valid)))
		return kafka.Token{Value: token, Extensions: map[string]string{"pool": "blue one"}}, nil
	}}
}

func TestCredentialsOnRealBrokers(t *testing.T) {
	for _, version := range []string{testenv.DefaultVersion, testenv.VersionTV1} {
		t.Run(version, func(t *testing.T) {
			c := secure(t, version, nil)
			inEach(t, func(t *testing.T, l library) {
				for name, way := range ways(t, c, l) {
					t.Run(name, func(t *testing.T) {
						require.NoError(t, use(bounded(t), open(t, way.right)))
						refusedAtOnce(t, way.wrong)
					})
				}
				mismatched(t, c, l)
			})
		})
	}
}

// mismatched has both sides speak differently: the errors say so, in time.
func mismatched(t *testing.T, c *testenv.Cluster, l library) {
	t.Helper()
	expectsTLS := map[library]string{
		franzGo: "plaintext connection speaking to a tls endpoint", kafkaGo: "the broker expects TLS",
	}
	for name, way := range map[string]struct {
		config kafka.Config
		want   string
	}{
		"TLS to plaintext": {kafka.Config{Brokers: c.Bootstrap(), TLS: kafka.TLS{Enabled: true}}, c.Bootstrap()[0]},
		"plaintext to TLS": {kafka.Config{Brokers: c.MTLS()}, expectsTLS[l]},
		"a mechanism that is not offered": {kafka.Config{
			Brokers: c.SASLPlain(), SASL: kafka.SASL{Mechanism: kafka.AWSMSKIAM, AllowPlaintext: true},
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := l.strict(t, way.config).Capabilities(ctx, "s")
			require.ErrorContains(t, err, way.want)
		})
	}
}

// The brokers hang up when a session is over: producing and consuming go on through it, without an error to the user.
func TestSessionsAreRenewedOnRealBrokers(t *testing.T) {
	c := secure(t, testenv.DefaultVersion, map[string]string{"connections.max.reauth.ms": "2000"})
	inEach(t, func(t *testing.T, l library) {
		for _, sasl := range []kafka.SASL{
			password(kafka.SCRAM512, testenv.AlicePassword), bearer(3 * time.Second), password(kafka.Plain, testenv.AlicePassword),
		} {
			t.Run(string(sasl.Mechanism), func(t *testing.T) {
				t.Parallel()
				var asked atomic.Int64
				if token := sasl.Token; token != nil {
					sasl.Token = func(ctx context.Context) (kafka.Token, error) {
						asked.Add(1)
						return token(ctx)
					}
				}
				sasl.AllowPlaintext = true
				// Kafka-go's own heartbeats, which notice that the broker has hung up, come every third of a session.
				b := l.strict(t, kafka.Config{Brokers: c.SASLPlain(), SASL: sasl, Session: 6 * time.Second})
				goesOnFor(t, b, "s", "renewed-"+l.prefix()+string(sasl.Mechanism), 7*time.Second)
				if sasl.Token != nil {
					require.Greater(t, asked.Load(), int64(8), "at least four connections, and each again at least once")
				}
			})
		}
	})
}

// A member whose connections were cut gives partitions to the next all the same.
func TestAGroupSharesAnewAfterSessionsOnRealBrokers(t *testing.T) {
	c := secure(t, testenv.DefaultVersion, map[string]string{
		"connections.max.reauth.ms": "2000", "group.initial.rebalance.delay.ms": "0",
	})
	admin := open(t, kafka.Config{Brokers: c.Bootstrap()})
	require.NoError(t, stream.EnsureStream(bounded(t), admin, stream.StreamConfig{Name: "two", Partitions: 2}))
	inEach(t, func(t *testing.T, l library) {
		sasl := password(kafka.SCRAM256, testenv.AlicePassword)
		sasl.AllowPlaintext = true
		b := l.strict(t, kafka.Config{Brokers: c.SASLPlain(), SASL: sasl, Session: 6 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		held := [2]atomic.Int64{}
		ran := make(chan error, len(held))
		join := func(i int) {
			consumer, err := stream.NewConsumer(ctx, b, stream.ConsumerConfig{Group: l.name(), Streams: []string{"two"}})
			require.NoError(t, err)
			go func() {
				ran <- consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
					held[i].Add(1)
					defer held[i].Add(-1)
					for _, err := range p.Records(ctx) {
						if err != nil {
							return err
						}
					}
					return nil
				})
			}()
		}
		join(0)
		require.Eventually(t, func() bool { return held[0].Load() == 2 }, 20*time.Second, 10*time.Millisecond)
		require.Never(t, func() bool { return held[0].Load() != 2 }, 5*time.Second, 10*time.Millisecond)
		join(1)
		require.Eventually(t, func() bool { return held[0].Load() == 1 && held[1].Load() == 1 }, 20*time.Second, 10*time.Millisecond)
		cancel()
		for range held {
			require.NoError(t, <-ran)
		}
	})
}

// A token that expires without a successor ends what is open, with the reason.
func TestExpiredTokenIsTold(t *testing.T) {
	c := secure(t, testenv.DefaultVersion, map[string]string{"connections.max.reauth.ms": "2000"})
	inEach(t, func(t *testing.T, l library) {
		once := secret.New(testenv.OAuthToken(testenv.Alice, time.Now().Add(4*time.Second)))
		b := l.strict(t, kafka.Config{Brokers: c.SASLPlain(), SASL: kafka.SASL{
			Mechanism: kafka.OAuthBearer, AllowPlaintext: true,
			Token: func(context.Context) (kafka.Token, error) { return kafka.Token{Value: once}, nil },
		}})
		ctx := bounded(t)
		producer, err := stream.NewProducer(ctx, b, stream.ProducerConfig{Streams: []string{"s"}, DeliveryTimeout: 10 * time.Second})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			err = producer.Send(ctx, &stream.Record{Stream: "s", Value: []byte("v")})
			return err != nil
		}, 25*time.Second, 50*time.Millisecond)
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		require.Eventually(t, func() bool {
			_, err = b.Capabilities(ctx, "s")
			return err != nil
		}, 10*time.Second, 100*time.Millisecond)
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		_ = producer.Close(ctx)
	})
}

// No secret is told by anything while real brokers refuse and accept.
func TestNoSecretIsToldOnRealBrokers(t *testing.T) {
	c := secure(t, testenv.DefaultVersion, nil)
	_, key := c.ClientCert()
	token := testenv.OAuthToken(testenv.Alice, time.Now().Add(time.Hour))
	expired := testenv.OAuthToken(testenv.Alice, time.Now().Add(-time.Hour))
	secrets := []string{canary, testenv.AlicePassword, strings.Split(string(key), "\n")[1], strings.Split(token, ".")[1], strings.Split(expired, ".")[1]}
	var log locked
	everything := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
	var told strings.Builder
	inEach(t, func(t *testing.T, l library) {
		for _, way := range ways(t, c, l) {
			for i, config := range []kafka.Config{way.right, way.wrong} {
				config.Logger = everything
				if config.SASL.Mechanism == kafka.OAuthBearer {
					config.SASL.Token = tokens([]string{token, expired}[i], nil, nil)
				}
				b := open(t, config)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				for _, err := range everyWayIn(ctx, b) {
					fmt.Fprintf(&told, "%v %+v %#v", err, err, err)
				}
				cancel()
				told.WriteString(stacks())
				fmt.Fprintf(&told, "%v %+v %#v %+v", config, config, config, b)
			}
		}
	})
	require.NotEmpty(t, log.String())
	for _, s := range secrets {
		require.NotContains(t, told.String(), s)
		require.NotContains(t, log.String(), s)
	}
}
