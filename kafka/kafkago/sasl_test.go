package kafkago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

var passwordMechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// guarded starts a fake broker that wants a password.
func guarded(t *testing.T, user, password string) *kfake.Cluster {
	t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.EnableSASL(), kfake.SeedTopics(1, "s")}
	for _, m := range passwordMechanisms {
		options = append(options, kfake.Superuser(m, user, password))
	}
	c, err := kfake.NewCluster(options...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// signIn asks a broker for metadata in both ways that this package has: by a Transport and directly.
func signIn(t *testing.T, brokers []string, s engine.SASL) map[string]error {
	t.Helper()
	l, err := newLines(engine.Settings{
		Brokers: brokers, ClientID: "test", SASL: &s, RequestOverhead: 3 * time.Second, ReadBytes: 1 << 20,
	}, "")
	require.NoError(t, err)
	defer l.close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	errs := map[string]error{}
	_, errs["directly"] = l.ask(ctx, "", &metadata.Request{TopicNames: []string{"s"}})
	_, errs["by a Transport"] = l.transport([]string{"s"}).RoundTrip(ctx, l.seeds(), &metadata.Request{TopicNames: []string{"s"}})
	return errs
}

func TestPasswordsLetIn(t *testing.T) {
	for name, c := range map[string]struct{ user, password string }{
		"plain text":               {"alice", "secret"},
		"separators of SCRAM":      {"a,b=c", "p,w=x"},
		"what SASLprep would ban":  {"alice", "two\u00adparts \ufb01"},
		"what is composed and not": {"rene", "e\u0301\u00e9"},
	} {
		t.Run(name, func(t *testing.T) {
			brokers := guarded(t, c.user, c.password).ListenAddrs()
			for _, m := range passwordMechanisms {
				for way, err := range signIn(t, brokers, engine.SASL{Mechanism: m, User: c.user, Password: c.password}) {
					require.NoError(t, err, "%s %s", m, way)
				}
			}
		})
	}
}

func TestAWrongPasswordIsUnauthorized(t *testing.T) {
	c := guarded(t, "alice", "right")
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(request kmsg.Request) (kmsg.Response, error, bool) { // the fake hangs up
		c.KeepControl()
		answer := request.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return answer, nil, true
	})
	for _, m := range passwordMechanisms {
		for way, err := range signIn(t, c.ListenAddrs(), engine.SASL{Mechanism: m, User: "alice", Password: hidden}) {
			require.ErrorIs(t, mapped(err), stream.ErrUnauthorized, "%s %s", m, way)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), hidden)
		}
	}
}

// Whoever does not know the password cannot pass for a broker.
func TestABrokerMustKnowThePasswordToo(t *testing.T) {
	for _, name := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		m, err := mechanism(engine.SASL{Mechanism: name, User: "alice", Password: hidden}, time.Second)
		require.NoError(t, err)
		ctx := sasl.WithMetadata(t.Context(), &sasl.Metadata{Host: "b", Port: 9092})
		machine, first, err := m.Start(ctx)
		require.NoError(t, err)
		nonce := first[len("n,,n=alice,r="):]
		done, answer, err := machine.Next(ctx, fmt.Appendf(nil, "r=%sx,s=c2FsdA==,i=4096", nonce))
		require.NoError(t, err)
		require.False(t, done)
		require.NotContains(t, string(answer), hidden)
		done, _, err = machine.Next(ctx, []byte("v=d3Jvbmc="))
		require.False(t, done)
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		require.ErrorContains(t, err, name)
	}
}

func TestAnUnknownMechanismIsUnsupported(t *testing.T) {
	_, err := mechanism(engine.SASL{Mechanism: "GSSAPI"}, time.Second)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	for way, err := range signIn(t, guarded(t, "u", "p").ListenAddrs(), engine.SASL{Mechanism: "OAUTHBEARER", Token: func(context.Context) (engine.Token, error) {
		return engine.Token{Value: hidden}, nil
	}}) {
		require.Error(t, err, way)
		require.NotContains(t, err.Error(), hidden)
	}
}

// iam is AWS_MSK_IAM with the answer of a credentials function.
func iam(t *testing.T, ask func(context.Context) (engine.Credential, error)) saslMechanism {
	t.Helper()
	m, err := mechanism(engine.SASL{Mechanism: "AWS_MSK_IAM", Credential: ask}, 3*time.Second)
	require.NoError(t, err)
	require.Equal(t, "AWS_MSK_IAM", m.Name())
	return m
}

func always(key string) func(context.Context) (engine.Credential, error) {
	return func(context.Context) (engine.Credential, error) {
		return engine.Credential{AccessKey: "AKID", SecretKey: key, SessionToken: "session"}, nil
	}
}

// The signature itself is checked by AWS's signer in package kafka.
func TestIAMIsSignedForTheBroker(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-2")
	for host, region := range map[string]string{"b-1.demo.c2.kafka.eu-west-1.amazonaws.com": "eu-west-1", "10.0.0.1": "us-east-2"} {
		ctx := sasl.WithMetadata(t.Context(), &sasl.Metadata{Host: host, Port: 9098})
		machine, first, err := iam(t, always(hidden)).Start(ctx)
		require.NoError(t, err)
		var said map[string]string
		require.NoError(t, json.Unmarshal(first, &said))
		require.Equal(t, host, said["host"])
		require.Equal(t, "session", said["x-amz-security-token"])
		require.Contains(t, said["x-amz-credential"], "/"+region+"/kafka-cluster/")
		require.NotContains(t, string(first), hidden)
		done, _, err := machine.Next(ctx, []byte(`{"version":"2020_10_22"}`))
		require.NoError(t, err)
		require.True(t, done)
		_, _, err = machine.Next(ctx, nil)
		require.ErrorIs(t, err, stream.ErrUnauthorized)
	}
}

func TestIAMThatCannotBeSigned(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	at := sasl.WithMetadata(t.Context(), &sasl.Metadata{Host: "localhost", Port: 9098})
	_, _, err := iam(t, always(hidden)).Start(at)
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, "cannot determine the region")
	require.NotContains(t, err.Error(), hidden)
	_, _, err = iam(t, always(hidden)).Start(t.Context())
	require.ErrorIs(t, err, errNoBroker)
	none := fmt.Errorf("%w: no credentials: %w", stream.ErrUnauthorized, errors.New("no role"))
	_, _, err = iam(t, func(context.Context) (engine.Credential, error) { return engine.Credential{}, none }).Start(at)
	require.Equal(t, none, err, "it says all")
}

func TestCredentialsMustComeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		at := sasl.WithMetadata(t.Context(), &sasl.Metadata{Host: "localhost", Port: 9098})
		_, _, err := iam(t, func(ctx context.Context) (engine.Credential, error) {
			<-ctx.Done()
			return engine.Credential{}, ctx.Err()
		}).Start(at)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begun))
	})
}
