package kafkago

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	foreign "github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

type saslMechanism = sasl.Mechanism

// mechanism returns kafka-go's for PLAIN, ours for OAUTHBEARER, which it lacks, and franz-go's for the others: kafka-go
// has no AWS_MSK_IAM, and its SCRAM prepares passwords by SASLprep, which brokers do not, and tells them in its errors.
// Tokens and credentials are asked for each connection, and must be there within patience. Kafka-go does not
// re-authenticate (KIP-368): a broker hangs up when a session is over, and what was asked then is asked again on a new
// connection.
func mechanism(s engine.SASL, patience time.Duration) (sasl.Mechanism, error) {
	user := scram.Auth{User: s.User, Pass: s.Password}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		return borrowed{user.AsSha256Mechanism()}, nil
	case "SCRAM-SHA-512":
		return borrowed{user.AsSha512Mechanism()}, nil
	case "OAUTHBEARER":
		return bearer{within(patience, s.Token)}, nil
	case "AWS_MSK_IAM":
		ask := within(patience, s.Credential)
		return borrowed{aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
			c, err := ask(ctx)
			return aws.Auth{AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken}, err
		})}, nil
	}
	return nil, fmt.Errorf("%w: kafka-go has no SASL mechanism %.40q", stream.ErrUnsupported, s.Mechanism)
}

// within bounds how long a function of the configuration may take.
func within[T any](patience time.Duration, ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return ask(ctx)
	}
}

// A borrowed mechanism is one of franz-go.
type borrowed struct{ own foreign.Mechanism }

// Name is the mechanism's.
func (b borrowed) Name() string { return b.own.Name() }

var errNoBroker = errors.New("the context does not say which broker the connection leads to")

// Start begins to sign in at the broker that ctx names, as kafka-go does it. An error that has no sentinel of package
// stream yet is about the configuration: where neither the host nor a variable tells the region, nothing can be signed.
func (b borrowed) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	broker := sasl.MetadataFromContext(ctx)
	if broker == nil {
		return nil, nil, errNoBroker
	}
	session, first, err := b.own.Authenticate(ctx, net.JoinHostPort(broker.Host, strconv.Itoa(broker.Port)))
	if err != nil && !engine.IsMapped(err) {
		err = fmt.Errorf("%w: %s: %w", stream.ErrInvalid, b.Name(), err)
	}
	return exchange{b.Name(), session}, first, err
}

// An exchange is a borrowed mechanism on one connection.
type exchange struct {
	name    string
	session foreign.Session
}

// Next answers the broker.
func (e exchange) Next(_ context.Context, said []byte) (bool, []byte, error) {
	done, answer, err := e.session.Challenge(said)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", stream.ErrUnauthorized, e.name, err)
	}
	return done, answer, err
}
