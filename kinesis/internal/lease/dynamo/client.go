// Package dynamo keeps leases in a table of Amazon DynamoDB that a fleet of Amazon's Kinesis Client Library (KCL) can share.
// It writes by UpdateItem, PutItem of what is not there, and conditional DeleteItem, so that what it does not know of an item
// stays as it is.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/streamport-go/streamport/kinesis/internal/transport"
	"github.com/streamport-go/streamport/stream"
)

// NewClient makes the SDK's client as a Store needs it: each call is made once and never repeated beneath the caller, and
// nothing follows a redirect with signed requests. The configuration has the region and the credentials; endpoint "" is the
// region's own.
func NewClient(config aws.Config, endpoint string, trip http.RoundTripper) *dynamodb.Client {
	return dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if o.Credentials != nil {
			o.Credentials = credentials{o.Credentials}
		}
		o.HTTPClient = &http.Client{
			Transport:     transport.Fixed(trip),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		o.Retryer = aws.NopRetryer{}
	})
}

// credentials say of their failure what it is.
type credentials struct{ aws.CredentialsProvider }

// Retrieve returns what the provider has. A provider that has nothing is an error that Is stream.ErrUnauthorized.
func (c credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return found, err
	}
	return found, fmt.Errorf("%w: no credentials: %w", stream.ErrUnauthorized, err)
}
