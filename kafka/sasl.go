package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// SASL says who signs in, and how. It needs TLS, unless AllowPlaintext is set: without it whoever sees the connection has
// the password or token, and whoever sees a SCRAM exchange can guess at the password.
type SASL struct {
	Mechanism Mechanism // default none [sasl.mechanism]

	User     string // of PLAIN and SCRAM [sasl.jaas.config: username]
	Password Secret // of PLAIN and SCRAM [sasl.jaas.config: password]

	// Token returns a bearer token, for OAUTHBEARER. It is called for each connection and each re-authentication, from many
	// goroutines, and should keep a token while it is fresh. With KafkaGo, which makes a new connection instead of
	// re-authenticating, its context ends after RequestTimeout [sasl.login.callback.handler.class].
	Token func(ctx context.Context) (Token, error) `config:"-" json:"-" yaml:"-"`
	// TokenFile is a file that holds a bearer token, such as one that Kubernetes projects and renews: it is read for each
	// connection and each re-authentication [sasl.oauthbearer.token.endpoint.url=file:…].
	TokenFile string
	// Extensions go with the token of TokenFile, or of a Token that has none (KIP-342).
	Extensions map[string]string

	// Credential returns what to sign with, for AWS_MSK_IAM; called as Token is. Default: the usual chain of AWS (variables,
	// shared files, container and instance roles), asked when the first connection is made. The region is read off the
	// broker's name, else off AWS_REGION.
	Credential func(ctx context.Context) (Credential, error) `config:"-" json:"-" yaml:"-"`

	AllowPlaintext bool // sign in without TLS
}

// A Mechanism is a way of signing in.
type Mechanism string

// The mechanisms. The empty one is none.
const (
	Plain       Mechanism = "PLAIN"
	SCRAM256    Mechanism = "SCRAM-SHA-256"
	SCRAM512    Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
	AWSMSKIAM   Mechanism = "AWS_MSK_IAM"
)

// A Token is a bearer token, with its extensions.
type Token struct {
	Value      Secret
	Extensions map[string]string
}

// A Credential signs for AWS_MSK_IAM. SessionToken is empty for users, and set for roles.
type Credential struct {
	AccessKey    string
	SecretKey    Secret
	SessionToken Secret
}

// on reports whether any field but AllowPlaintext is set.
func (s SASL) on() bool {
	return s.Mechanism != "" || s.User != "" || !s.Password.IsZero() || s.Token != nil || s.TokenFile != "" ||
		len(s.Extensions) > 0 || s.Credential != nil
}

// resolve returns nil where nobody signs in, and after a mistake.
func (s SASL) resolve(bad *mistakes, encrypted bool) *engine.SASL {
	if !s.on() {
		return nil
	}
	if !encrypted && !s.AllowPlaintext {
		bad.add("SASL", "would be sent without TLS: set TLS.Enabled, or SASL.AllowPlaintext if the network is trusted")
	}
	out := &engine.SASL{Mechanism: string(s.Mechanism)}
	switch s.Mechanism {
	case Plain, SCRAM256, SCRAM512:
		s.password(bad, out)
	case OAuthBearer:
		s.bearer(bad, out)
	case AWSMSKIAM:
		out.Credential = s.credential()
	case "":
		bad.add("SASL.Mechanism", "is missing: one of %s", join(mechanisms))
	default:
		bad.add("SASL.Mechanism", "%.40q is none of %s", string(s.Mechanism), join(mechanisms))
	}
	s.superfluous(bad)
	return out
}

var mechanisms = []Mechanism{Plain, SCRAM256, SCRAM512, OAuthBearer, AWSMSKIAM}

func join[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

func (s SASL) password(bad *mistakes, out *engine.SASL) {
	if s.User == "" {
		bad.add("SASL.User", "is missing: %s needs it", s.Mechanism)
	}
	if s.Password.IsZero() {
		bad.add("SASL.Password", "is missing: %s needs it", s.Mechanism)
	}
	if strings.ContainsRune(s.User+s.Password.Reveal(), 0) {
		bad.add("SASL", "user and password must not contain the byte 0")
	}
	out.User, out.Password = s.User, s.Password.Reveal()
}

func (s SASL) bearer(bad *mistakes, out *engine.SASL) {
	switch {
	case s.Token == nil && s.TokenFile == "":
		bad.add("SASL.Token", "is missing: OAUTHBEARER needs it, or TokenFile")
	case s.Token != nil && s.TokenFile != "":
		bad.add("SASL.TokenFile", "is set beside Token: one of the two")
	}
	for _, key := range slices.Sorted(maps.Keys(s.Extensions)) {
		if err := checkExtension(key, s.Extensions[key]); err != nil {
			bad.add("SASL.Extensions", "%w", err)
		}
	}
	out.Token = s.token
}

// token asks Token or reads TokenFile, and refuses what would break out of the message that carries it.
func (s SASL) token(ctx context.Context) (engine.Token, error) {
	var token Token
	var err error
	if s.Token != nil {
		token, err = s.Token(ctx)
	} else {
		token.Value, err = tokenFromFile(s.TokenFile)
	}
	if err != nil {
		return engine.Token{}, fmt.Errorf("%w: no token: %w", stream.ErrUnauthorized, err)
	}
	if token.Extensions == nil {
		token.Extensions = s.Extensions
	}
	for key, value := range token.Extensions {
		if err := checkExtension(key, value); err != nil {
			return engine.Token{}, fmt.Errorf("%w: %w", stream.ErrInvalid, err)
		}
	}
	text := token.Value.Reveal()
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return engine.Token{}, fmt.Errorf("%w: the token is empty, or has a character that no token has", stream.ErrUnauthorized)
	}
	return engine.Token{Value: text, Extensions: token.Extensions}, nil
}

func tokenFromFile(path string) (Secret, error) {
	text, err := readFile(path)
	if err != nil {
		return Secret{}, err
	}
	var s Secret
	err = s.UnmarshalText([]byte(strings.TrimSpace(text)))
	return s, err
}

// checkExtension holds names and values to what RFC 7628 §3.1 allows. It repeats no value.
func checkExtension(key, value string) error {
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
	switch {
	case key == "" || strings.ContainsFunc(key, func(r rune) bool { return !letter(r) }):
		return fmt.Errorf("the extension %.40q: a name has letters only", key)
	case key == "auth":
		return fmt.Errorf("the extension %q is the token itself", key)
	case strings.ContainsFunc(value, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' && r != '\r' && r != '\n' }):
		return fmt.Errorf("the extension %.40q: its value has a character that is not printable ASCII", key)
	}
	return nil
}

// credential is the user's function, or AWS's default chain.
func (s SASL) credential() func(context.Context) (engine.Credential, error) {
	ask := s.Credential
	if ask == nil {
		ask = new(chain).credential
	}
	return func(ctx context.Context) (engine.Credential, error) {
		c, err := ask(ctx)
		if err != nil {
			return engine.Credential{}, fmt.Errorf("%w: no credentials: %w", stream.ErrUnauthorized, err)
		}
		if c.AccessKey == "" || c.SecretKey.IsZero() {
			return engine.Credential{}, fmt.Errorf("%w: the credentials have no access key or no secret key", stream.ErrUnauthorized)
		}
		return engine.Credential{
			AccessKey: c.AccessKey, SecretKey: c.SecretKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		}, nil
	}
}

// superfluous refuses what the mechanism has no use for: it would be ignored otherwise.
func (s SASL) superfluous(bad *mistakes) {
	if !slices.Contains(mechanisms, s.Mechanism) {
		return
	}
	byPassword := s.Mechanism == Plain || s.Mechanism == SCRAM256 || s.Mechanism == SCRAM512
	for _, f := range []struct {
		name     string
		set, fit bool
	}{
		{"User", s.User != "", byPassword},
		{"Password", !s.Password.IsZero(), byPassword},
		{"Token", s.Token != nil, s.Mechanism == OAuthBearer},
		{"TokenFile", s.TokenFile != "", s.Mechanism == OAuthBearer},
		{"Extensions", len(s.Extensions) > 0, s.Mechanism == OAuthBearer},
		{"Credential", s.Credential != nil, s.Mechanism == AWSMSKIAM},
	} {
		if f.set && !f.fit {
			bad.add("SASL."+f.name, "has no use with %s", s.Mechanism)
		}
	}
}

// freshFor is how long AWS credentials must still be valid when they are used: brokers give a session no longer than its
// credentials, and one that is about to end would be renewed without pause.
const freshFor = 5 * time.Minute
