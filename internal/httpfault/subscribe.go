package httpfault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// The types of a subscription's events.
const (
	initialResponse = "initial-response"
	shardEvent      = "SubscribeToShardEvent"
)

// Subscribing is next with the answers of SubscribeToShard as the service gives them, for kinesis-local:
//   - It does not send the frame with which a subscription begins, and without it the Go SDK fails.
//   - An exception that comes first becomes an answer with its status, as it is the service's.
//   - It never tells the end of a closed shard: an event without records that comes after the shard was seen closed
//     becomes the last one, with the shard's children.
//
// What begins with the first frame already passes as it is.
func Subscribing(next http.RoundTripper) http.RoundTripper { return subscribing{next} }

type subscribing struct{ next http.RoundTripper }

// RoundTrip waits for the first frame of a subscription, at most as long as the request's context lasts.
func (s subscribing) RoundTrip(req *http.Request) (*http.Response, error) {
	if operation(req.Header) != "SubscribeToShard" {
		return s.next.RoundTrip(req)
	}
	req, asked, err := remember(req)
	if err != nil {
		return nil, err
	}
	resp, err := s.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	first, err := readFrame(resp.Body)
	if err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	switch {
	case first.headers[":message-type"] == "exception":
		return refused(resp, first)
	case first.headers[":event-type"] == initialResponse:
		resp.Body = joined{io.MultiReader(bytes.NewReader(first.raw), resp.Body), resp.Body}
	default:
		begin := makeFrame(initialResponse, "application/x-amz-json-1.1", "{}")
		events := &ending{body: io.MultiReader(bytes.NewReader(first.raw), resp.Body), lineage: &lineage{s.next, req, asked}}
		resp.Body = joined{io.MultiReader(bytes.NewReader(begin), events), resp.Body}
	}
	resp.ContentLength = -1
	resp.Header.Del("Content-Length")
	return resp, nil
}

// CloseIdleConnections closes those of the transport beneath, if it has any.
func (s subscribing) CloseIdleConnections() {
	if c, ok := s.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// subscription is what a request of SubscribeToShard asks for.
type subscription struct {
	ConsumerARN string
	ShardID     string `json:"ShardId"`
}

// remember reads what a request asks for, and returns one that can still be sent.
func remember(req *http.Request) (*http.Request, subscription, error) {
	var asked subscription
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return nil, asked, err
	}
	again := *req // a RoundTripper must not change the request it is given
	again.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, &asked) // what is no request is refused by the server
	return &again, asked, nil
}

// joined reads from one and closes the other.
type joined struct {
	io.Reader
	io.Closer
}

// refused is the answer that says what an exception frame says.
func refused(resp *http.Response, f frame) (*http.Response, error) {
	_ = resp.Body.Close() // what follows an exception does not matter
	var told struct{ Message string }
	_ = json.Unmarshal(f.payload, &told) // an exception may be without message
	body, err := json.Marshal(map[string]string{"__type": f.headers[":exception-type"], "message": told.Message})
	if err != nil {
		return nil, err
	}
	resp.StatusCode, resp.Status = http.StatusBadRequest, "400 Bad Request"
	resp.Header = http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
