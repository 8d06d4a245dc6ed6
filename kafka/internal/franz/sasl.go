package franz

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// mechanism returns franz-go's. Tokens and credentials are asked for each connection and each re-authentication (KIP-368).
func mechanism(s engine.SASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "PLAIN":
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism(), nil
	case "OAUTHBEARER":
		return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			t, err := s.Token(ctx)
			return oauth.Auth{Token: t.Value, Extensions: t.Extensions}, err
		}), nil
	case "AWS_MSK_IAM":
		return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
			c, err := s.Credential(ctx)
			return aws.Auth{AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken}, err
		}), nil
	}
	return nil, fmt.Errorf("%w: franz-go has no SASL mechanism %.40q", stream.ErrUnsupported, s.Mechanism)
}
