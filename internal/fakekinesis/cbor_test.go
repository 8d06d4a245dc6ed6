package fakekinesis_test

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

const contentCBOR = "application/x-amz-cbor-1.1"

// call sends a request of the protocol's other form, and decodes the answer with the SDK's codec.
func (b *bench) call(op string, body []byte) (int, cbor.Map) {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, "https://kinesis.test/", bytes.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("X-Amz-Target", "Kinesis_20131202."+op)
	req.Header.Set("Content-Type", contentCBOR)
	resp, err := b.srv.Client().Do(req)
	require.NoError(b, err)
	defer resp.Body.Close()
	require.Equal(b, contentCBOR, resp.Header.Get("Content-Type"))
	answer, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	v, err := cbor.Decode(answer)
	require.NoError(b, err)
	return resp.StatusCode, v.(cbor.Map)
}

// Requests, answers and errors have the names of the JSON form; blobs are bytes, times milliseconds. Odd seeds answer with
// maps of indefinite length.
func TestTheServiceSpeaksCBOR(t *testing.T) {
	for seed := range uint64(2) {
		run(t, fakekinesis.Config{Seed: seed}, 1, func(b *bench) {
			key, data := cbor.String("k"), cbor.Slice{0, 1, 255}
			status, out := b.call("PutRecords", cbor.Encode(cbor.Map{
				"StreamName": cbor.String(name),
				"Records": cbor.List{
					cbor.Map{"Data": data, "PartitionKey": key},
					cbor.Map{"Data": cbor.Slice{}, "PartitionKey": key, "ExplicitHashKey": cbor.String("0")},
				},
			}))
			require.Equal(b, 200, status)
			require.Equal(b, cbor.Uint(0), out["FailedRecordCount"])
			results := out["Records"].(cbor.List)
			require.Len(b, results, 2)
			require.Equal(b, cbor.String(first), results[1].(cbor.Map)["ShardId"])

			_, out = b.call("GetShardIterator", cbor.Encode(cbor.Map{
				"StreamName": cbor.String(name), "ShardId": cbor.String(first), "ShardIteratorType": cbor.String("AT_TIMESTAMP"),
				"Timestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(time.Now().UnixMilli())},
			}))
			_, out = b.call("GetRecords", cbor.Encode(cbor.Map{"ShardIterator": out["ShardIterator"], "Limit": cbor.Uint(1)}))
			record := out["Records"].(cbor.List)[0].(cbor.Map)
			require.Equal(b, data, record["Data"])
			require.Equal(b, key, record["PartitionKey"])
			require.Equal(b, results[0].(cbor.Map)["SequenceNumber"], record["SequenceNumber"])
			require.Equal(b, &cbor.Tag{ID: 1, Value: cbor.Uint(time.Now().UnixMilli())}, record["ApproximateArrivalTimestamp"])
			require.NotEmpty(b, out["NextShardIterator"])

			status, out = b.call("GetRecords", cbor.Encode(cbor.Map{"ShardIterator": cbor.String("x")}))
			require.Equal(b, 400, status)
			require.Equal(b, cbor.String("InvalidArgumentException"), out["__type"])
		})
	}
}

// Amazon's Java SDK writes maps and lists of indefinite length, and blobs in chunks.
func TestCBORIsReadInEveryForm(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		text := func(s string) string { return string([]byte{0x60 | byte(len(s))}) + s }
		body := "\xbf" + text("StreamName") + text(name) + text("Records") + "\x9f" +
			"\xbf" + text("Data") + "\x5f\x41a\x42bc\xff" + text("PartitionKey") + text("k") + "\xff" + "\xff" + "\xff"
		status, _ := b.call("PutRecords", []byte(body))
		require.Equal(b, 200, status)
		stored, err := b.srv.Records(name, first)
		require.NoError(b, err)
		require.Equal(b, "abc", string(stored[0].Data))
	})
}

// What cannot be read is refused, and harms nothing.
func FuzzRequests(f *testing.F) {
	f.Add("PutRecords", contentCBOR, []byte("\xbf\x67Records\x9f\xbf\x64Data\x41a\xff\xff\xff"))
	f.Add("PutRecord", "application/x-amz-json-1.1", []byte(`{"StreamName":"orders","Data":"","PartitionKey":"k"}`))
	f.Add("GetShardIterator", contentCBOR, cbor.Encode(cbor.Map{"Timestamp": cbor.Float64(math.Inf(1))}))
	f.Add("GetRecords", contentCBOR, bytes.Repeat([]byte{0x9f}, 1000))
	srv := fakekinesis.New(fakekinesis.Config{Settling: -1})
	require.NoError(f, srv.Create(name, 1))
	f.Fuzz(func(t *testing.T, op, content string, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://kinesis.test/", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("X-Amz-Target", "Kinesis_20131202."+op)
		req.Header.Set("Content-Type", content)
		resp, err := srv.RoundTripper().RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Contains(t, []int{200, 400}, resp.StatusCode)
	})
}
