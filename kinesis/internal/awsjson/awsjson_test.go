package awsjson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awsjson"
)

// The standard library, which knows nothing of Kinesis, reads what this package writes.
func TestPutRecordsIsRead(t *testing.T) {
	entries := []api.Entry{
		{Key: "a", Data: []byte("one")},
		{Key: strings.Repeat("ü", 200), Hash: "340282366920938463463374607431768211455", Data: bytes.Repeat([]byte{0xff}, 70_000)},
		{Key: "tab\t, quote\" and \\ backslash", Data: nil},
		{Key: "<&>\u2028", Data: []byte{0}},
	}
	for _, c := range []struct{ name, arn string }{{"orders", ""}, {"orders", "arn:aws"}} {
		p := awsjson.AppendPut(nil, c.name, c.arn, entries)
		var read struct {
			StreamName, StreamARN string
			Records               []struct {
				Data                          []byte
				PartitionKey, ExplicitHashKey string
			}
		}
		reader := json.NewDecoder(bytes.NewReader(p))
		reader.DisallowUnknownFields()
		require.NoError(t, reader.Decode(&read))
		require.Equal(t, c.arn, read.StreamARN)
		if c.arn == "" {
			require.Equal(t, c.name, read.StreamName)
		}
		require.Len(t, read.Records, len(entries))
		for i, e := range entries {
			require.Equal(t, e.Key, read.Records[i].PartitionKey)
			require.Equal(t, e.Hash, read.Records[i].ExplicitHashKey)
			require.Equal(t, string(e.Data), string(read.Records[i].Data))
			require.NotNil(t, read.Records[i].Data)
		}
	}
}

func TestRoomForARequestIsEnough(t *testing.T) {
	entries := make([]api.Entry, 500)
	for i := range entries {
		entries[i] = api.Entry{Key: fmt.Sprint(i), Hash: strings.Repeat("9", 38), Data: make([]byte, i)}
	}
	arn := "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
	require.GreaterOrEqual(t, awsjson.PutBytes("", arn, entries), len(awsjson.AppendPut(nil, "", arn, entries)))
	require.GreaterOrEqual(t, awsjson.PutBytes("orders", "", entries), len(awsjson.AppendPut(nil, "orders", "", entries)))
}

func TestGetRecordsIsRead(t *testing.T) {
	require.JSONEq(t, `{"ShardIterator":"AAA+/=","Limit":10000}`, string(awsjson.AppendGet(nil, "", "AAA+/=", 10_000)))
	require.JSONEq(t, `{"ShardIterator":"i","Limit":1,"StreamARN":"arn:aws"}`, string(awsjson.AppendGet(nil, "arn:aws", "i", 0)))
}

func TestAnswerOfPutRecords(t *testing.T) {
	results, ok := awsjson.ReadPut([]byte(` {"EncryptionType":"KMS","FailedRecordCount":1,"More":{"a":[1,{"b":null}]},"Records":[
		{"SequenceNumber":"1","ShardId":"shardId-000000000000"},
		{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"for \"shard\" \u00fc"},
		{"ShardId":"shardId-000000000001","SequenceNumber":"2","Other":-1.5e3}, {} ] } `))
	require.True(t, ok)
	require.Equal(t, []api.Result{
		{Shard: "shardId-000000000000", Sequence: "1"},
		{Code: "ProvisionedThroughputExceededException", Message: `for "shard" ü`},
		{Shard: "shardId-000000000001", Sequence: "2"}, {},
	}, results)
}

// page writes an answer of n records.
func page(n int) ([]byte, []api.Record) {
	var text strings.Builder
	var want []api.Record
	for i := range n {
		data := bytes.Repeat([]byte{byte(i)}, i%300)
		fmt.Fprintf(&text, `,{"SequenceNumber":"49%d","ApproximateArrivalTimestamp":1.700000000%03dE9,"Data":%q,"PartitionKey":"key-%d"}`,
			i, i%1000, base64.StdEncoding.EncodeToString(data), i)
		want = append(want, api.Record{
			Sequence: fmt.Sprintf("49%d", i), Key: fmt.Sprintf("key-%d", i), Data: data,
			Arrival: time.UnixMilli(1_700_000_000_000 + int64(i%1000)).UTC(),
		})
	}
	return []byte(`{"MillisBehindLatest":1500,"NextShardIterator":"next","Records":[` + strings.TrimPrefix(text.String(), ",") + `]}`), want
}

func TestAnswerOfGetRecords(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 3000, 10_000} {
		text, want := page(n)
		got, ok := awsjson.ReadGet(text)
		require.True(t, ok, n)
		require.Equal(t, "next", got.Next)
		require.Equal(t, 1500*time.Millisecond, got.Behind)
		require.False(t, got.End)
		require.Len(t, got.Records, n)
		require.Equal(t, want, got.Records)
		bytes := 0
		for i := range want {
			bytes += len(want[i].Key) + len(want[i].Data)
		}
		require.Equal(t, bytes, got.Bytes)
	}
	got, ok := awsjson.ReadGet([]byte(`{"Records":[],"MillisBehindLatest":0}`))
	require.True(t, ok)
	require.Empty(t, got.Records)
	require.True(t, got.End)
}

// A value that grows must not write into the next one's.
func TestDataDoNotOverlap(t *testing.T) {
	text, want := page(40)
	got, ok := awsjson.ReadGet(text)
	require.True(t, ok)
	for i := range got.Records {
		_ = append(got.Records[i].Data, 0xee)
	}
	for i := range want {
		require.Equal(t, want[i].Data, got.Records[i].Data)
	}
}

// What is not sure is left to the SDK.
func TestUnknownFormsAreNotRead(t *testing.T) {
	many, _ := page(10_001)
	for _, text := range []string{
		``, `{`, `null`, `[]`, `{}`, `{"Records":[]}`, `{"Records":[],"NextShardIterator":"n"`, `{"NextShardIterator":"n"}x`,
		`{"NextShardIterator":null,"MillisBehindLatest":0}`, `{"NextShardIterator":"n","MillisBehindLatest":"0"}`,
		`{"NextShardIterator":"n","MillisBehindLatest":tru}`, `{"NextShardIterator":"n","Other":tru}`,
		`{"NextShardIterator":"n","Records":[{"Data":"eA=="}]}`,
		`{"NextShardIterator":"n","Records":[{"SequenceNumber":"1","Data":"e"}]}`,
		`{"NextShardIterator":"n","Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":"2024"}]}`,
		`{"NextShardIterator":"n","Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":1e300}]}`,
		`{"NextShardIterator":"n","Records":[{"SequenceNumber":"1","PartitionKey":"` + "\xff" + `"}]}`,
		`{"MillisBehindLatest":0,"Records":[],"ChildShards":[{"ShardId":"a"}]}`,
		`{"NextShardIterator":"n\`, `{"NextShardIterator":"n\"`, `{"NextShardIterator":"\x"}`,
		`{"NextShardIterator":"n","Other":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		string(many),
	} {
		_, ok := awsjson.ReadGet([]byte(text))
		require.False(t, ok, "%.100s", text)
	}
	for _, text := range []string{
		``, `{"Records":[{"ShardId":null}]}`, `{"Records":{}}`, `{"Records":[` + strings.Repeat(`{},`, 500) + `{}]}`,
	} {
		_, ok := awsjson.ReadPut([]byte(text))
		require.False(t, ok, "%.100s", text)
	}
}

// What is read is what the standard library reads.
func FuzzRead(f *testing.F) {
	text, _ := page(3)
	f.Add(text)
	f.Add([]byte(`{"Records":[{"ShardId":"a","SequenceNumber":"\u00fc"},{"ErrorCode":"b","ErrorMessage":"c"}]}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		if results, ok := awsjson.ReadPut(p); ok && json.Valid(p) {
			for _, r := range results {
				if len(r.Shard)+len(r.Sequence)+len(r.Code)+len(r.Message) > 2*len(p) {
					t.Fatal("more than there is")
				}
			}
		}
		got, ok := awsjson.ReadGet(p)
		if !ok || !json.Valid(p) || bytes.Count(p, []byte(`"Records"`)) > 1 {
			return
		}
		var names map[string]json.RawMessage
		if json.Unmarshal(p, &names) != nil || names["Records"] == nil {
			return
		}
		var want []map[string]json.RawMessage
		if err := json.Unmarshal(names["Records"], &want); err != nil {
			t.Fatal(err)
		}
		if len(want) != len(got.Records) {
			t.Fatalf("%d records of %d", len(got.Records), len(want))
		}
		for i := range want {
			var data []byte
			if text := want[i]["Data"]; text != nil && bytes.Count(p, []byte(`"Data"`)) == len(want) {
				if err := json.Unmarshal(text, &data); err != nil || !bytes.Equal(data, got.Records[i].Data) {
					t.Fatalf("data %q, not %q: %v", got.Records[i].Data, data, err)
				}
			}
		}
	})
}
