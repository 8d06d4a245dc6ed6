package awskinesis

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A watch tells of one call whether a request was sent at all: without one, nothing can have been done.
type watch struct{ sent atomic.Bool }

type watchKey struct{}

// watched notes in the watch of a request's context that it is sent.
type watched struct{ next http.RoundTripper }

// RoundTrip sends the request.
func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	if seen, ok := request.Context().Value(watchKey{}).(*watch); ok {
		seen.sent.Store(true)
	}
	return w.next.RoundTrip(request)
}

// CloseIdleConnections closes those of the transport beneath, if it has any.
func (w watched) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// told makes a provider's errors known as such. Anonymous credentials stay as they are, since the SDK looks for their type.
func told(p aws.CredentialsProvider) aws.CredentialsProvider {
	if p == nil || aws.IsCredentialsProvider(p, (*aws.AnonymousCredentials)(nil)) {
		return p
	}
	return provider{p}
}

type provider struct{ next aws.CredentialsProvider }

// Retrieve asks the provider beneath.
func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.next.Retrieve(ctx)
	if err != nil {
		return found, &noCredentials{err}
	}
	return found, nil
}

// A noCredentials is why a request was not signed.
type noCredentials struct{ err error }

// Error says what the provider said, which names places and no secrets.
func (e *noCredentials) Error() string { return "no credentials: " + e.err.Error() }

// Unwrap returns the provider's error.
func (e *noCredentials) Unwrap() error { return e.err }
