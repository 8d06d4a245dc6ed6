package awskinesis_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/stream"
)

const binary = "application/x-amz-cbor-1.1"

// spoken answers in CBOR.
func spoken(status int, v cbor.Value) *wire {
	return &wire{answer: func(int, string, []byte) (*http.Response, error) { return respond(status, binary, cbor.Encode(v)), nil }}
}

// concise is a service that speaks CBOR over w.
func concise(w *wire) *awskinesis.Service {
	c := config(w)
	c.CBOR = true
	return awskinesis.New(c)
}

func TestRecordsArePutInCBOR(t *testing.T) {
	w := spoken(200, cbor.Map{"FailedRecordCount": cbor.Uint(1), "Records": cbor.List{
		cbor.Map{"ShardId": cbor.String("shard-0"), "SequenceNumber": cbor.String("49")},
		cbor.Map{"ErrorCode": cbor.String(api.Argument), "ErrorMessage": cbor.String("bad: s3cret")},
	}})
	results, err := concise(w).PutRecords(t.Context(), "orders", []api.Entry{{Key: "a", Data: []byte("one")}, {Key: "b"}})
	require.NoError(t, err)
	require.Equal(t, []api.Result{{Shard: "shard-0", Sequence: "49"}, {Code: api.Argument}}, results)
	require.Equal(t, []string{binary}, w.types)
	require.Equal(t, []string{"PutRecords"}, w.ops)
	in, err := cbor.Decode(w.bodies[0])
	require.NoError(t, err)
	require.Equal(t, cbor.String("orders"), in.(cbor.Map)["StreamName"])
	require.Len(t, in.(cbor.Map)["Records"], 2)
}

func TestPageIsReadInCBOR(t *testing.T) {
	w := spoken(200, cbor.Map{"NextShardIterator": cbor.String("n"), "MillisBehindLatest": cbor.Uint(5), "Records": cbor.List{cbor.Map{
		"Data": cbor.Slice("one"), "PartitionKey": cbor.String("a"), "SequenceNumber": cbor.String("49"),
		"ApproximateArrivalTimestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(1_700_000_000_123)},
	}}})
	page, err := concise(w).Records(t.Context(), arn, "i", 7)
	require.NoError(t, err)
	require.Equal(t, []api.Record{{Key: "a", Sequence: "49", Data: []byte("one"), Arrival: time.UnixMilli(1_700_000_000_123)}}, page.Records)
	require.Equal(t, "n", page.Next)
	require.Equal(t, 4, page.Bytes)
	require.Equal(t, int64(1_700_000_000), page.Date.Unix())
	in, err := cbor.Decode(w.bodies[0])
	require.NoError(t, err)
	require.Equal(t, cbor.Map{"ShardIterator": cbor.String("i"), "Limit": cbor.Uint(7), "StreamARN": cbor.String(arn)}, in)
}

func TestErrorsInCBORAreTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    cbor.Value
		code    string
		unknown bool
		is      error
	}{
		"throttled": {400, cbor.Map{"__type": cbor.String(api.Throughput), "message": cbor.String("slow")}, api.Throughput, false, stream.ErrThrottled},
		"missing":   {400, cbor.Map{"__type": cbor.String("x#" + api.Missing)}, api.Missing, false, stream.ErrNotFound},
		"internal":  {500, cbor.Map{"__type": cbor.String(api.Internal)}, api.Internal, true, nil},
		"no object": {500, cbor.List{}, "", true, nil},
		"garbage":   {200, cbor.List{}, "", true, nil},
		"too few":   {200, cbor.Map{"Records": cbor.List{}}, "", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := spoken(c.status, c.body)
			_, err := concise(w).PutRecords(t.Context(), "orders", []api.Entry{{Key: "a"}})
			var e *api.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.status, e.Status)
			require.Equal(t, c.unknown, e.Unknown)
			if c.is != nil {
				require.ErrorIs(t, e, c.is)
			}
			require.Len(t, w.ops, 1, "nothing is sent twice")
		})
	}
}

func TestErrorsInJSONAreUnderstoodToo(t *testing.T) {
	w := always(400, `{"__type":"ProvisionedThroughputExceededException","message":"slow"}`)
	_, err := concise(w).Records(t.Context(), "orders", "i", 1)
	require.Equal(t, api.Throughput, api.CodeOf(err))
	require.Equal(t, []string{binary}, w.types)
}

// A service that does not know the media type has done nothing: the call is made again in JSON, and so are later ones.
func TestRefusedCBORIsJSON(t *testing.T) {
	for name, refuse := range map[string]func() *http.Response{
		"by status": func() *http.Response { return said(415, ``) },
		"by code":   func() *http.Response { return said(400, `{"__type":"SerializationException"}`) },
		"by page":   func() *http.Response { return respond(404, "text/html", []byte("<html>")) },
		"in CBOR": func() *http.Response {
			return respond(400, binary, cbor.Encode(cbor.Map{"__type": cbor.String("SerializationException")}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{answer: func(n int, op string, _ []byte) (*http.Response, error) {
				switch {
				case n == 0:
					return refuse(), nil
				case op == "GetRecords":
					return said(200, `{"MillisBehindLatest":0,"NextShardIterator":"n","Records":[]}`), nil
				}
				return said(200, `{"Records":[{"ShardId":"shard-0","SequenceNumber":"49"}]}`), nil
			}}
			var log bytes.Buffer
			c := config(w)
			c.CBOR, c.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
			s := awskinesis.New(c)
			results, err := s.PutRecords(t.Context(), "orders", []api.Entry{{Key: "a"}})
			require.NoError(t, err)
			require.Equal(t, "49", results[0].Sequence)
			_, err = s.Records(t.Context(), "orders", "i", 1)
			require.NoError(t, err)
			const json = "application/x-amz-json-1.1"
			require.Equal(t, []string{binary, json, json}, w.types)
			require.Contains(t, log.String(), "refuses CBOR")
		})
	}
}

func TestAnswerThatBreaksOffIsUnknown(t *testing.T) {
	w := &wire{answer: func(int, string, []byte) (*http.Response, error) {
		r := respond(200, binary, []byte{0xa1})
		r.ContentLength = 100
		return r, nil
	}}
	_, err := concise(w).PutRecords(t.Context(), "orders", []api.Entry{{Key: "a"}})
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Unknown)
}
