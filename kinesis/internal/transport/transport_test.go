package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/transport"
)

// A loud body says that it was closed while it was being written, as smithy-go's does.
type loud struct{ *bytes.Reader }

func (loud) WriteTo(io.Writer) (int64, error) { return 0, errors.New("written after it was closed") }
func (loud) Close() error                     { return nil }

func TestBodyIsReadNotWritten(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	base := transport.New()
	defer base.CloseIdleConnections()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, loud{bytes.NewReader([]byte("data"))})
	require.NoError(t, err)
	request.ContentLength = 4
	response, err := transport.Fixed(base).RoundTrip(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	echoed, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "data", string(echoed))
	require.IsType(t, loud{}, request.Body, "the caller's request is as it was")
}

func TestRepeatedBodyIsReadNotWritten(t *testing.T) {
	var seen *http.Request
	next := trip(func(r *http.Request) (*http.Response, error) { seen = r; return nil, http.ErrHandlerTimeout })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.invalid", loud{bytes.NewReader(nil)})
	require.NoError(t, err)
	request.GetBody = func() (io.ReadCloser, error) { return loud{bytes.NewReader([]byte("again"))}, nil }
	_, err = transport.Fixed(next).RoundTrip(request) //nolint:bodyclose // there is no response
	require.ErrorIs(t, err, http.ErrHandlerTimeout)
	body, err := seen.GetBody()
	require.NoError(t, err)
	require.NotImplements(t, (*io.WriterTo)(nil), body)

	request.GetBody = func() (io.ReadCloser, error) { return nil, io.ErrNoProgress }
	_, _ = transport.Fixed(next).RoundTrip(request) //nolint:bodyclose // likewise
	_, err = seen.GetBody()
	require.ErrorIs(t, err, io.ErrNoProgress)
}

func TestRequestWithoutBodyIsPassedOn(t *testing.T) {
	var seen *http.Request
	next := trip(func(r *http.Request) (*http.Response, error) { seen = r; return nil, http.ErrHandlerTimeout })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.invalid", nil)
	require.NoError(t, err)
	_, _ = transport.Fixed(next).RoundTrip(request) //nolint:bodyclose // there is no response
	require.Same(t, request, seen)
}

func TestIdleConnectionsOfTheTransportBeneathAreClosed(t *testing.T) {
	closed := &closer{}
	(&http.Client{Transport: transport.Fixed(closed)}).CloseIdleConnections()
	require.True(t, closed.done)
	(&http.Client{Transport: transport.Fixed(trip(nil))}).CloseIdleConnections()
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closer struct {
	http.RoundTripper
	done bool
}

func (c *closer) CloseIdleConnections() { c.done = true }
