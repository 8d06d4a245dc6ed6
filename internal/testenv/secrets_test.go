//go:build servers

package testenv_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/streamport-go/streamport/internal/testenv"
)

func token(ends time.Time) sasl.Mechanism {
	return oauth.Auth{Token: testenv.OAuthToken(testenv.Alice, ends)}.AsMechanism()
}

// mechanisms are those of the SASL listeners with a password that is right and one that is not.
func mechanisms() map[string]struct{ right, wrong sasl.Mechanism } {
	const user, right, wrong = testenv.Alice, testenv.AlicePassword, testenv.BobPassword
	return map[string]struct{ right, wrong sasl.Mechanism }{
		"PLAIN": {plain.Auth{User: user, Pass: right}.AsMechanism(), plain.Auth{User: user, Pass: wrong}.AsMechanism()},
		"SCRAM-SHA-256": {
			scram.Auth{User: user, Pass: right}.AsSha256Mechanism(), scram.Auth{User: user, Pass: wrong}.AsSha256Mechanism(),
		},
		"SCRAM-SHA-512": {
			scram.Auth{User: user, Pass: right}.AsSha512Mechanism(), scram.Auth{User: user, Pass: wrong}.AsSha512Mechanism(),
		},
		"OAUTHBEARER": {token(time.Now().Add(time.Hour)), token(time.Now().Add(-time.Hour))},
	}
}

func TestSecuredListeners(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			c := testenv.Run(t, testenv.Config{Version: version, Secure: true})
			topic(t, c, "secured")
			encrypted := kgo.DialTLSConfig(&tls.Config{RootCAs: c.CA()})
			listeners := map[string]struct {
				seeds []string
				opts  []kgo.Opt
			}{"plain": {c.SASLPlain(), nil}, "tls": {c.SASLTLS(), []kgo.Opt{encrypted}}}
			for name, listener := range listeners {
				for mechanism, m := range mechanisms() {
					t.Run(name+" "+mechanism, func(t *testing.T) {
						require.Len(t, listener.seeds, 1)
						produce(t, client(t, listener.seeds, append(listener.opts, kgo.SASL(m.right))...), "secured", "x")
						refused(t, client(t, listener.seeds, append(listener.opts, kgo.SASL(m.wrong))...))
					})
				}
			}
			t.Run("mtls", func(t *testing.T) {
				cert, err := tls.X509KeyPair(c.ClientCert())
				require.NoError(t, err)
				with := &tls.Config{RootCAs: c.CA(), Certificates: []tls.Certificate{cert}}
				produce(t, client(t, c.MTLS(), kgo.DialTLSConfig(with)), "secured", "x")
				refused(t, client(t, c.MTLS(), encrypted))
			})
			t.Run("unknown authority", func(t *testing.T) {
				refused(t, client(t, c.SASLTLS(), kgo.DialTLSConfig(&tls.Config{}), kgo.SASL(mechanisms()["PLAIN"].right)))
			})
		})
	}
}

// refused fails the test if a client reaches a broker.
func refused(t *testing.T, cl *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.Error(t, cl.Ping(ctx))
}

func TestWrongPasswordIsNamed(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Secure: true})
	cl := client(t, c.SASLPlain(), kgo.SASL(mechanisms()["PLAIN"].wrong))
	require.ErrorIs(t, cl.Ping(within(t, patience)), kerr.SaslAuthenticationFailed)
}

func TestACLsRefuseWhatNoRuleAllows(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			c := testenv.Run(t, testenv.Config{Version: version, Nodes: 3, Secure: true, ACLs: true})
			topic(t, c, "guarded")
			as := func(user, password string) *kgo.Client {
				return client(t, c.SASLPlain(), kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()),
					kgo.UnknownTopicRetries(0))
			}
			require.Error(t, send(t, as(testenv.Alice, testenv.AlicePassword), "guarded", "refused"))
			rules := kadm.NewACLs().Topics("guarded").Allow("User:"+testenv.Alice, "User:"+testenv.CertUser).AllowHosts().
				Operations(kadm.OpWrite, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternLiteral)
			made, err := kadm.NewClient(as(testenv.Admin, testenv.AdminPassword)).CreateACLs(within(t, patience), rules)
			require.NoError(t, err)
			for _, one := range made {
				require.NoError(t, one.Err)
			}
			require.Eventually(t, func() bool {
				return send(t, as(testenv.Alice, testenv.AlicePassword), "guarded", "allowed") == nil
			}, patience, 100*time.Millisecond)
			require.Error(t, send(t, as(testenv.Bob, testenv.BobPassword), "guarded", "refused"))
			cert, err := tls.X509KeyPair(c.ClientCert())
			require.NoError(t, err)
			carol := &tls.Config{RootCAs: c.CA(), Certificates: []tls.Certificate{cert}}
			require.Eventually(t, func() bool {
				cl := client(t, c.MTLS(), kgo.DialTLSConfig(carol), kgo.UnknownTopicRetries(0))
				return send(t, cl, "guarded", "allowed") == nil
			}, patience, 100*time.Millisecond)
		})
	}
}
