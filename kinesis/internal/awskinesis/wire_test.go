package awskinesis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/eventstream"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
)

// A wire answers requests, and remembers them.
type wire struct {
	answer func(n int, op string, body []byte) (*http.Response, error)

	mu     sync.Mutex // guards what follows
	ops    []string
	bodies [][]byte
	types  []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	n := len(w.ops)
	w.ops, w.bodies, w.types = append(w.ops, op), append(w.bodies, body), append(w.types, r.Header.Get("Content-Type"))
	w.mu.Unlock()
	response, err := w.answer(n, op, body)
	if response != nil {
		response.Request = r
	}
	return response, err
}

// input is the body of request n.
func (w *wire) input(t *testing.T, n int) map[string]any {
	t.Helper()
	var in map[string]any
	require.NoError(t, json.Unmarshal(w.bodies[n], &in))
	return in
}

const clock = "Tue, 14 Nov 2023 22:13:20 GMT" // 1,700,000,000 s

func respond(status int, contentType string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {contentType}, "Date": {clock}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func said(status int, body string) *http.Response {
	return respond(status, "application/x-amz-json-1.1", []byte(body))
}

// always answers every request so.
func always(status int, body string) *wire {
	return &wire{answer: func(int, string, []byte) (*http.Response, error) { return said(status, body), nil }}
}

func config(rt http.RoundTripper) awskinesis.Config {
	return awskinesis.Config{
		AWS:  aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret-key", "token")},
		HTTP: rt, Endpoint: "http://127.0.0.1:1",
	}
}

// frame is one of an event stream, with pairs of header names and values.
func frame(t testing.TB, payload string, headers ...string) []byte {
	t.Helper()
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var b bytes.Buffer
	require.NoError(t, eventstream.NewEncoder().Encode(&b, m))
	return b.Bytes()
}

func initial(t testing.TB) []byte {
	return frame(t, "{}", ":message-type", "event", ":event-type", "initial-response")
}

func event(t testing.TB, payload string) []byte {
	return frame(t, payload, ":message-type", "event", ":event-type", "SubscribeToShardEvent")
}

func exception(t testing.TB, code string) []byte {
	return frame(t, `{"message":"no"}`, ":message-type", "exception", ":exception-type", code)
}

// streamed answers every request with these frames.
func streamed(frames ...[]byte) *wire {
	return &wire{answer: func(int, string, []byte) (*http.Response, error) {
		r := respond(200, "application/vnd.amazon.eventstream", bytes.Join(frames, nil))
		r.ContentLength = -1
		return r, nil
	}}
}

// A provider fails to give credentials.
type provider struct{ err error }

func (p provider) Retrieve(context.Context) (aws.Credentials, error) { return aws.Credentials{}, p.err }
