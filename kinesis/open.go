package kinesis

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/kinesis/internal/transport"
	"github.com/streamport-go/streamport/stream"
)

// Open validates c and opens the services in a region. Nothing is asked of them: the first use does. All mistakes come in
// one error, each Is stream.ErrInvalid. Ctx bounds Open only, which may read AWS's configuration files.
func Open(ctx context.Context, c Config) (*Backend, error) {
	b, err := c.open(ctx)
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	return b, nil
}

func (c Config) open(ctx context.Context) (*Backend, error) {
	if ctx == nil {
		return nil, errNoContext
	}
	s, err := c.settings()
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	base, err := c.chain(ctx, s)
	if err != nil {
		return nil, err
	}
	s.Region = base.Region
	way, idle := carrier(s)
	service := awskinesis.New(awskinesis.Config{
		AWS: c.at(base, s.Endpoint), Endpoint: s.Endpoint, HTTP: way,
		CBOR: s.CBOR, RequestTimeout: s.RequestTimeout, PutTimeout: s.PutTimeout, Logger: s.Logger,
	})
	clients := Clients{Kinesis: service.Client()}
	if s.LeaseTable != "" {
		clients.DynamoDB = dynamo.NewClient(c.at(base, s.Tables), s.Tables, way)
	}
	return newBackend(s, service, clients, idle), nil
}

// Clients are the SDK's clients, for what this package does not offer. They do not retry, except a
// request that is refused because this machine's clock is wrong.
type Clients struct {
	Kinesis  *kinesis.Client
	DynamoDB *dynamodb.Client // nil with Config.Static
}

// carrier is what requests go over, and what closes the connections that nobody uses when all is over.
func carrier(s settings.Settings) (http.RoundTripper, func()) {
	if s.HTTP != nil {
		return s.HTTP, func() {} // the user's
	}
	own := transport.New()
	return own, own.CloseIdleConnections
}

var errNoContext = fmt.Errorf("%w: the context is nil", stream.ErrInvalid)
