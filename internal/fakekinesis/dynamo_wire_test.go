package fakekinesis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

const leases = "leases"

// A wire sends requests of DynamoDB as they are, so that what the SDK would not send can be sent too.
type wire struct {
	url  string
	trip http.RoundTripper
}

// A said is an answer.
type said struct {
	code    string // of an error, without its name space
	message string
	body    map[string]json.RawMessage
}

func (w wire) post(t *testing.T, op, body string) said {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, w.url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := w.trip.RoundTrip(request)
	require.NoError(t, err)
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	s := said{body: map[string]json.RawMessage{}}
	require.NoError(t, json.Unmarshal(data, &s.body), "%s", data)
	if response.StatusCode != http.StatusOK {
		kind := text(s.body["__type"])
		s.code = kind[strings.LastIndex(kind, "#")+1:]
		s.message = text(s.body["message"]) + text(s.body["Message"])
	}
	return s
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // what is no text is none
	return s
}

// item is an item of an answer; "" if there is none.
func (s said) item(t *testing.T, member string) string {
	t.Helper()
	if s.body[member] == nil {
		return ""
	}
	i, err := fakekinesis.ReadItem(s.body[member])
	require.NoError(t, err)
	return i.String()
}

// made is the fake, with a table of leases.
func made(t *testing.T, o fakekinesis.TableOptions) (*fakekinesis.Tables, wire) {
	t.Helper()
	fake := fakekinesis.NewTables(o)
	w := wire{"http://dynamodb.invalid", fake}
	w.makeTable(t)
	return fake, w
}

func (w wire) makeTable(t *testing.T) {
	t.Helper()
	require.Empty(t, w.post(t, "CreateTable", `{"TableName":"leases","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"leaseKey","AttributeType":"S"}]}`).code)
}

// put stores an item of attributes besides its key "k", which may be "".
func (w wire) put(t *testing.T, attributes string) {
	t.Helper()
	require.Empty(t, w.post(t, "PutItem", fmt.Sprintf(`{"TableName":"leases","Item":{"leaseKey":{"S":"k"}%s}}`, join(attributes))).code)
}

// get is the item with the key "k", without its key; "" if there is none.
func (w wire) get(t *testing.T) string {
	t.Helper()
	s := w.post(t, "GetItem", `{"TableName":"leases","Key":{"leaseKey":{"S":"k"}},"ConsistentRead":true}`)
	require.Empty(t, s.code, s.message)
	return bare(s.item(t, "Item"))
}

func bare(item string) string {
	return strings.Replace(strings.Replace(item, `,"leaseKey":{"S":"k"}`, "", 1), `"leaseKey":{"S":"k"},`, "", 1)
}

func join(members string) string {
	if members == "" {
		return ""
	}
	return "," + members
}
