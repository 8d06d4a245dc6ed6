// Package awskinesis is api.Service on the AWS SDK.
package awskinesis

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/transport"
)

// defaultTimeout bounds a call: an answer of 10 MiB takes a few seconds on a slow line.
const defaultTimeout = 30 * time.Second

// A Config says how to reach the service.
type Config struct {
	AWS      aws.Config        // region, credentials
	Endpoint string            // "": AWS's own
	HTTP     http.RoundTripper // nil: a transport of our own
	// CBOR makes PutRecords and GetRecords speak application/x-amz-cbor-1.1, as Amazon's Java SDK does by default, instead of
	// JSON with base64. It stays opt-in until someone has verified it on the real service: it has only met emulators.
	CBOR           bool
	RequestTimeout time.Duration // of each call but subscriptions; default 30 s
	PutTimeout     time.Duration // of PutRecords and PutRecord; default RequestTimeout
	Logger         *slog.Logger  // default: discards
}

// A Service calls Kinesis. Methods may be called from many goroutines.
type Service struct {
	client  *kinesis.Client
	logger  *slog.Logger
	own     *http.Transport // nil: the transport is the caller's
	timeout time.Duration
	putting time.Duration
	cbor    atomic.Bool // until the service refuses it
}

var _ api.Service = (*Service)(nil)

// New returns a service. Nothing is dialled before the first call.
func New(c Config) *Service {
	s := &Service{
		timeout: cmp.Or(c.RequestTimeout, defaultTimeout), logger: cmp.Or(c.Logger, slog.New(slog.DiscardHandler)),
	}
	s.putting = cmp.Or(c.PutTimeout, s.timeout)
	s.cbor.Store(c.CBOR)
	next := c.HTTP
	if next == nil {
		s.own = transport.New()
		next = s.own
	}
	s.client = kinesis.NewFromConfig(c.AWS, func(o *kinesis.Options) {
		o.Retryer, o.RetryMaxAttempts = clock{}, 0
		o.HTTPClient = &http.Client{Transport: watched{transport.Fixed(next)}, CheckRedirect: stay}
		o.Credentials = told(o.Credentials)
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return s
}

// stay follows no redirection: the service has none, and what is signed is for nobody else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Client is the SDK's client, which repeats nothing but what was refused for a wrong clock.
func (s *Service) Client() *kinesis.Client { return s.client }

// Close closes idle connections, if the transport is the service's own.
func (s *Service) Close() error {
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	return nil
}

// An operation is a method of the SDK's client.
type operation[In, Out any] func(context.Context, *In, ...func(*kinesis.Options)) (*Out, error)

// A call is what is to be known about an operation beside its input.
type call struct {
	op      string
	timeout time.Duration
	writes  bool // an operation without an answer may have been done, and that matters
}

// send makes a call within its time.
func send[In, Out any](ctx context.Context, c call, do operation[In, Out], in *In, with ...func(*kinesis.Options)) (*Out, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	w := &watch{}
	out, err := do(context.WithValue(bounded, watchKey{}, w), in, with...)
	if err != nil {
		return nil, c.failure(ctx, bounded, w, err)
	}
	return out, nil
}

func (s *Service) reading(op string) call { return call{op: op, timeout: s.timeout} }
func (s *Service) changing(op string) call {
	return call{op: op, timeout: s.timeout, writes: true}
}
