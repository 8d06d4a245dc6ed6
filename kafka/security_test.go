package kafka_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

const canary = "CANARY-6c1f"

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTLSFromTextAndFiles(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "localhost")
	both := file(t, "both.pem", cert+key)
	for name, c := range map[string]struct {
		tls    kafka.TLS
		paired bool
		roots  bool
	}{
		"on alone":         {kafka.TLS{Enabled: true}, false, false},
		"text":             {kafka.TLS{CA: ca.pem, Cert: cert, Key: secret.New(key)}, true, true},
		"files":            {kafka.TLS{CAFile: file(t, "ca.pem", ca.pem), CertFile: file(t, "c.pem", cert), KeyFile: file(t, "k.pem", key)}, true, true},
		"one file":         {kafka.TLS{CertFile: both, KeyFile: both}, true, false},
		"a name":           {kafka.TLS{ServerName: "b"}, false, false},
		"a base":           {kafka.TLS{Config: &tls.Config{}}, false, false},
		"a base, and more": {kafka.TLS{Config: &tls.Config{ServerName: "a"}, ServerName: "b", CA: ca.pem}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			config := local()
			config.TLS = c.tls
			s, err := resolve(t, config)
			require.NoError(t, err)
			require.EqualValues(t, tls.VersionTLS12, s.TLS.MinVersion)
			require.Equal(t, c.paired, len(s.TLS.Certificates) == 1)
			require.Equal(t, c.roots, s.TLS.RootCAs != nil)
			require.Equal(t, c.tls.ServerName, s.TLS.ServerName)
			require.False(t, s.TLS.InsecureSkipVerify)
		})
	}
}

func TestTLSMistakes(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "localhost")
	_, otherKey := ca.issue(t, "localhost")
	none := filepath.Join(t.TempDir(), "none.pem")
	for want, c := range map[string]kafka.TLS{
		"TLS.CA: holds no certificate in PEM":                {CA: canary},
		"TLS.CAFile: holds no certificate in PEM":            {CAFile: file(t, "ca.pem", canary)},
		"TLS.CAFile: cannot be read: open " + none:           {CAFile: none},
		"TLS.CertFile: cannot be read":                       {CertFile: none, Key: secret.New(canary)},
		"TLS.KeyFile: cannot be read":                        {Cert: cert, KeyFile: none},
		"TLS.Key: is missing: a certificate needs its":       {Cert: cert},
		"TLS.Cert: is missing: a private key needs its cert": {Key: secret.New(key)},
		"TLS.Cert and TLS.Key: do not go together":           {Cert: cert, Key: secret.New(otherKey)},
		"do not go together: tls: failed to find any PEM":    {Cert: cert, Key: secret.New(canary)},
		"TLS.Cert: is set beside TLS.CertFile: one of":       {Cert: cert, CertFile: none, Key: secret.New(key)},
		"TLS.Key: is set beside TLS.KeyFile":                 {Cert: cert, KeyFile: none, Key: secret.New(key)},
		"TLS.CAFile: cannot be read: the file has more":      {CAFile: file(t, "big.pem", string(make([]byte, 4<<20+1)))},
	} {
		t.Run(want, func(t *testing.T) {
			config := local()
			config.TLS = c
			_, err := resolve(t, config)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), canary)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestSASLMistakes(t *testing.T) {
	token := func(context.Context) (kafka.Token, error) { return kafka.Token{}, nil }
	password := secret.New(canary)
	for want, c := range map[string]kafka.SASL{
		"SASL: would be sent without TLS":                 {Mechanism: kafka.Plain, User: "u", Password: password},
		"SASL.Mechanism: is missing: one of PLAIN":        {User: "u", AllowPlaintext: true},
		`SASL.Mechanism: "GSSAPI" is none of PLAIN, SCRA`: {Mechanism: "GSSAPI", AllowPlaintext: true},
		"SASL.User: is missing":                           {Mechanism: kafka.SCRAM256, Password: password, AllowPlaintext: true},
		"SASL.Password: is missing":                       {Mechanism: kafka.SCRAM512, User: "u", AllowPlaintext: true},
		"SASL: user and password must not contain the by": {Mechanism: kafka.Plain, User: "u", Password: secret.New(canary + "\x00x"), AllowPlaintext: true},
		"SASL.Token: is missing":                          {Mechanism: kafka.OAuthBearer, AllowPlaintext: true},
		"SASL.TokenFile: is set beside Token":             {Mechanism: kafka.OAuthBearer, Token: token, TokenFile: "f", AllowPlaintext: true},
		`SASL.Extensions: the extension "a b": a name`:    {Mechanism: kafka.OAuthBearer, Token: token, Extensions: map[string]string{"a b": canary}, AllowPlaintext: true},
		`SASL.Extensions: the extension "auth" is the t`:  {Mechanism: kafka.OAuthBearer, Token: token, Extensions: map[string]string{"auth": canary}, AllowPlaintext: true},
		`SASL.Extensions: the extension "a": its value `:  {Mechanism: kafka.OAuthBearer, Token: token, Extensions: map[string]string{"a": canary + "\x01"}, AllowPlaintext: true},
		"SASL.Password: has no use with OAUTHBEARER":      {Mechanism: kafka.OAuthBearer, Token: token, Password: password, AllowPlaintext: true},
		"SASL.Token: has no use with PLAIN":               {Mechanism: kafka.Plain, User: "u", Password: password, Token: token, AllowPlaintext: true},
		"SASL.User: has no use with AWS_MSK_IAM":          {Mechanism: kafka.AWSMSKIAM, User: "u", AllowPlaintext: true},
	} {
		t.Run(want, func(t *testing.T) {
			config := local()
			config.SASL = c
			_, err := resolve(t, config)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), canary)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestTokens(t *testing.T) {
	failure := errors.New("the identity provider is down")
	path := file(t, "token", canary+"\n")
	for name, c := range map[string]struct {
		sasl kafka.SASL
		want error
	}{
		"from a file":        {kafka.SASL{TokenFile: path, Extensions: map[string]string{"a": "b"}}, nil},
		"from a function":    {kafka.SASL{Token: tokens(canary, map[string]string{"a": "b"}, nil)}, nil},
		"no file":            {kafka.SASL{TokenFile: path + "x"}, stream.ErrUnauthorized},
		"function fails":     {kafka.SASL{Token: tokens("", nil, failure)}, failure},
		"empty":              {kafka.SASL{Token: tokens("", nil, nil)}, stream.ErrUnauthorized},
		"breaks out":         {kafka.SASL{Token: tokens(canary+"\x01auth=x", nil, nil)}, stream.ErrUnauthorized},
		"extension breaks":   {kafka.SASL{Token: tokens(canary, map[string]string{"a": canary + "\x01"}, nil)}, stream.ErrInvalid},
		"two lines":          {kafka.SASL{TokenFile: file(t, "two", canary+"\n"+canary)}, stream.ErrUnauthorized},
		"default extensions": {kafka.SASL{Token: tokens(canary, nil, nil), Extensions: map[string]string{"a": "b"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			config := local()
			config.SASL = c.sasl
			config.SASL.Mechanism, config.SASL.AllowPlaintext = kafka.OAuthBearer, true
			s, err := resolve(t, config)
			require.NoError(t, err)
			token, err := s.SASL.Token(t.Context())
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				require.NotContains(t, err.Error(), canary)
				require.Zero(t, token)
				return
			}
			require.NoError(t, err)
			require.Equal(t, canary, token.Value)
			require.Equal(t, map[string]string{"a": "b"}, token.Extensions)
		})
	}
}

func tokens(text string, extensions map[string]string, err error) func(context.Context) (kafka.Token, error) {
	return func(context.Context) (kafka.Token, error) {
		return kafka.Token{Value: secret.New(text), Extensions: extensions}, err
	}
}

func TestAWSCredentialsComeFromTheDefaultChain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_CONFIG_FILE", file(t, "config", ""))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file(t, "credentials", ""))
	config := local()
	config.SASL = kafka.SASL{Mechanism: kafka.AWSMSKIAM, AllowPlaintext: true}
	s, err := resolve(t, config)
	require.NoError(t, err)
	for range 2 {
		c, err := s.SASL.Credential(t.Context())
		require.NoError(t, err)
		require.Equal(t, "AKID", c.AccessKey)
		require.Equal(t, canary, c.SecretKey)
	}
}

func TestAWSCredentialsOfAFunction(t *testing.T) {
	config := local()
	given, failure := kafka.Credential{}, errors.New("no role")
	config.SASL = kafka.SASL{Mechanism: kafka.AWSMSKIAM, AllowPlaintext: true}
	config.SASL.Credential = func(context.Context) (kafka.Credential, error) { return given, failure }
	s, err := resolve(t, config)
	require.NoError(t, err)
	_, err = s.SASL.Credential(t.Context())
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorIs(t, err, failure)
	given, failure = kafka.Credential{AccessKey: "a"}, nil
	_, err = s.SASL.Credential(t.Context())
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	given.SecretKey, given.SessionToken = secret.New("s"), secret.New("t")
	c, err := s.SASL.Credential(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a s t", c.AccessKey+" "+c.SecretKey+" "+c.SessionToken)
}

// Whatever prints a configuration prints no secret.
func TestConfigPrintsNoSecret(t *testing.T) {
	c := local()
	c.TLS = kafka.TLS{Key: secret.New(canary)}
	c.SASL = kafka.SASL{Password: secret.New(canary), Token: tokens(canary, nil, nil)}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(c)
	require.NoError(t, err)
	token, credential := kafka.Token{Value: secret.New(canary)}, kafka.Credential{SecretKey: secret.New(canary), SessionToken: secret.New(canary)}
	all := string(text) + string(asYAML)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		all += fmt.Sprintf(verb+verb+verb+verb, c, &c, token, credential)
	}
	require.NotContains(t, all, canary)
	require.NotContains(t, all, fmt.Sprintf("%x", canary))
}
