// Package awskinesis is api.Service on the AWS SDK.
package awskinesis

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

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
}

// A Service calls Kinesis. Methods may be called from many goroutines.
type Service struct {
	api.Service
	client *kinesis.Client
}

// New returns a service. Nothing is dialled before the first call.
func New(c Config) *Service {
	return &Service{client: kinesis.NewFromConfig(c.AWS)}
}

// Client is the SDK's client, which does not retry.
func (s *Service) Client() *kinesis.Client { return s.client }

// Operations are the API operations that a Service calls.
func Operations() []string { return nil }
