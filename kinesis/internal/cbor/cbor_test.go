package cbor_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	other "github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/cbor"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// Smithy's codec, which knows nothing of Kinesis, reads what this one writes.
func TestPutRecordsIsRead(t *testing.T) {
	entries := []api.Entry{
		{Key: "a", Data: []byte("one")},
		{Key: strings.Repeat("ü", 200), Hash: "340282366920938463463374607431768211455", Data: bytes.Repeat([]byte{0xff}, 70_000)},
		{Key: "c", Data: nil},
	}
	p := cbor.AppendPut(nil, "orders", "", entries)
	require.GreaterOrEqual(t, cbor.PutBytes("orders", "", entries), len(p))
	read, err := other.Decode(p)
	require.NoError(t, err)
	require.Equal(t, other.Map{
		"StreamName": other.String("orders"),
		"Records": other.List{
			other.Map{"Data": other.Slice("one"), "PartitionKey": other.String("a")},
			other.Map{
				"Data": other.Slice(entries[1].Data), "PartitionKey": other.String(entries[1].Key),
				"ExplicitHashKey": other.String(entries[1].Hash),
			},
			other.Map{"Data": other.Slice{}, "PartitionKey": other.String("c")},
		},
	}, read)

	read, err = other.Decode(cbor.AppendPut(nil, "orders", "arn:aws", nil))
	require.NoError(t, err)
	require.Equal(t, other.Map{"StreamARN": other.String("arn:aws"), "Records": other.List{}}, read)
}

func TestGetRecordsIsRead(t *testing.T) {
	read, err := other.Decode(cbor.AppendGet(nil, "arn:aws", "abc", 10_000))
	require.NoError(t, err)
	require.Equal(t, other.Map{
		"ShardIterator": other.String("abc"), "Limit": other.Uint(10_000), "StreamARN": other.String("arn:aws"),
	}, read)
	read, err = other.Decode(cbor.AppendGet(nil, "", "abc", 1))
	require.NoError(t, err)
	require.Equal(t, other.Map{"ShardIterator": other.String("abc"), "Limit": other.Uint(1)}, read)
}

func TestAnswerOfPutRecords(t *testing.T) {
	p := other.Encode(other.Map{
		"FailedRecordCount": other.Uint(1), "EncryptionType": other.String("NONE"),
		"Records": other.List{
			other.Map{"ShardId": other.String("shard-0"), "SequenceNumber": other.String("49")},
			other.Map{"ErrorCode": other.String(api.Throughput), "ErrorMessage": other.String("slow down"), "ShardId": &other.Nil{}},
		},
	})
	results, err := cbor.ReadPut(p)
	require.NoError(t, err)
	require.Equal(t, []api.Result{
		{Shard: "shard-0", Sequence: "49"}, {Code: api.Throughput, Message: "slow down"},
	}, results)
}

// answer is one of GetRecords, with times as they are given.
func answer(arrival other.Value) other.Map {
	return other.Map{
		"NextShardIterator": other.String("next"), "MillisBehindLatest": other.Uint(1500), "New": other.List{other.Map{"x": other.Bool(true)}},
		"Records": other.List{
			other.Map{
				"Data": other.Slice("one"), "PartitionKey": other.String("a"), "SequenceNumber": other.String("49"),
				"ApproximateArrivalTimestamp": arrival, "EncryptionType": &other.Nil{},
			},
			other.Map{"Data": other.Slice{}, "PartitionKey": &other.Nil{}, "SequenceNumber": other.String("50")},
		},
	}
}

func TestAnswerOfGetRecords(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	for name, arrival := range map[string]other.Value{
		"milliseconds":               other.Uint(at.UnixMilli()),
		"tagged":                     &other.Tag{ID: 1, Value: other.Uint(at.UnixMilli())},
		"fraction":                   other.Float64(1_700_000_000.123),
		"milliseconds as a fraction": other.Float64(1_700_000_000_123),
	} {
		t.Run(name, func(t *testing.T) {
			page, err := cbor.ReadGet(other.Encode(answer(arrival)))
			require.NoError(t, err)
			require.Equal(t, api.Page{
				Next: "next", Behind: 1500 * time.Millisecond, Bytes: 4,
				Records: []api.Record{{Key: "a", Sequence: "49", Data: []byte("one"), Arrival: at}, {Sequence: "50", Data: []byte{}}},
			}, page)
		})
	}
}

func TestDataInBase64AreRead(t *testing.T) {
	for data, want := range map[string][]byte{"b25l": []byte("one"), "": {}} {
		page, err := cbor.ReadGet(other.Encode(other.Map{"MillisBehindLatest": other.Uint(0), "Records": other.List{
			other.Map{"Data": other.String(data), "SequenceNumber": other.String("49")},
		}}))
		require.NoError(t, err)
		require.Equal(t, want, page.Records[0].Data)
	}
	_, err := cbor.ReadGet(other.Encode(other.Map{"MillisBehindLatest": other.Uint(0), "Records": other.List{
		other.Map{"Data": other.String("b25"), "SequenceNumber": other.String("49")},
	}}))
	require.ErrorIs(t, err, cbor.ErrSyntax)
}

func TestStrangeTimesAreNone(t *testing.T) {
	for _, arrival := range []other.Value{
		other.Float64(math.NaN()), other.Float64(math.Inf(-1)), other.NegInt(5), other.Uint(0), &other.Nil{}, other.Float32(-1),
	} {
		page, err := cbor.ReadGet(other.Encode(answer(arrival)))
		require.NoError(t, err)
		require.Zero(t, page.Records[0].Arrival)
	}
	page, err := cbor.ReadGet(other.Encode(answer(other.Float64(math.Inf(1)))))
	require.NoError(t, err)
	require.False(t, page.Records[0].Arrival.IsZero())
}

func TestEndHasItsChildren(t *testing.T) {
	p := other.Encode(other.Map{
		"Records": other.List{}, "MillisBehindLatest": other.Uint(0), "NextShardIterator": &other.Nil{},
		"ChildShards": other.List{other.Map{
			"ShardId": other.String("shard-2"), "ParentShards": other.List{other.String("shard-0"), other.String("shard-1")},
			"HashKeyRange": other.Map{"StartingHashKey": other.String("0"), "EndingHashKey": other.String("7")},
		}},
	})
	page, err := cbor.ReadGet(p)
	require.NoError(t, err)
	require.Equal(t, api.Page{End: true, Children: []shard.Child{{
		ID: "shard-2", Parents: []string{"shard-0", "shard-1"}, Range: shard.Range{Last: shard.Hash{Low: 7}},
	}}}, page)
}

// Java's encoder does not know lengths in advance.
func TestIndefiniteItemsAreRead(t *testing.T) {
	p, err := hex.DecodeString("bf" + "675265636f726473" + "9f" + // Records
		"bf" + "6444617461" + "5f42010241035fff" + "ffff" + "ff")
	require.NoError(t, err)
	_, err = cbor.ReadGet(p)
	require.ErrorIs(t, err, cbor.ErrSyntax, "a nested part")

	p, err = hex.DecodeString("bf" + "675265636f726473" + "9f" + "bf" + // Records
		"6444617461" + "5f4201024103ff" + // Data in two parts
		"6e53657175656e63654e756d626572" + "7f62343961" + "30ff" + // SequenceNumber "490"
		"ffff" + "724d696c6c6973426568696e644c6174657374" + "00" + "ff") // MillisBehindLatest
	require.NoError(t, err)
	page, err := cbor.ReadGet(p)
	require.NoError(t, err)
	require.Equal(t, []api.Record{{Sequence: "490", Data: []byte{1, 2, 3}}}, page.Records)
}

func TestMalformedAnswersAreErrors(t *testing.T) {
	for name, p := range map[string][]byte{
		"nothing":             {},
		"a list":              {0x80},
		"JSON":                []byte(`{"Records":[]}`),
		"an empty object":     {0xa0},
		"a record of nothing": append([]byte{0xa1, 0x67}, "Records\x81\xa0"...),
		"a huge length":       append([]byte{0xa1, 0x67}, "Records\x9b\xff\xff\xff\xff\xff\xff\xff\xff"...),
		"deep nesting":        append([]byte{0xa1, 0x61, 'x'}, bytes.Repeat([]byte{0x81}, 1000)...),
		"a number as a name":  {0xa1, 0x01, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cbor.ReadGet(p)
			require.ErrorIs(t, err, cbor.ErrSyntax)
		})
	}
	_, err := cbor.ReadPut([]byte{0x80})
	require.ErrorIs(t, err, cbor.ErrSyntax)
	_, err = cbor.ReadPut(other.Encode(other.Map{"Records": make(other.List, 0)})[:3])
	require.ErrorIs(t, err, cbor.ErrSyntax)
}

func TestEveryTruncationIsAnError(t *testing.T) {
	p := other.Encode(answer(other.Uint(1_700_000_000_123)))
	for n := range p {
		_, err := cbor.ReadGet(p[:n])
		require.ErrorIs(t, err, cbor.ErrSyntax, n)
	}
}

func TestFailure(t *testing.T) {
	for name, c := range map[string]struct {
		body          other.Value
		code, message string
	}{
		"plain":     {other.Map{"__type": other.String(api.Throughput), "message": other.String("slow")}, api.Throughput, "slow"},
		"namespace": {other.Map{"__type": other.String("com.amazonaws.kinesis#" + api.Missing + ":http")}, api.Missing, ""},
		"none":      {other.List{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, message := cbor.ReadFailure(other.Encode(c.body))
			require.Equal(t, c.code, code)
			require.Equal(t, c.message, message)
		})
	}
}

// full is an answer with so many records of 100 bytes.
func full(records int) []byte {
	all := make(other.List, records)
	for i := range all {
		all[i] = other.Map{
			"Data": other.Slice(bytes.Repeat([]byte("x"), 100)), "PartitionKey": other.String(fmt.Sprintf("key-%05d", i)),
			"SequenceNumber":              other.String(fmt.Sprintf("4965012345678901234567890123456789012345678901234%07d", i)),
			"ApproximateArrivalTimestamp": &other.Tag{ID: 1, Value: other.Uint(1_700_000_000_123)},
		}
	}
	return other.Encode(other.Map{"Records": all, "MillisBehindLatest": other.Uint(0), "NextShardIterator": other.String("next")})
}

func TestMemoryIsBounded(t *testing.T) {
	inputs := [][]byte{full(1000), append([]byte{0xa1, 0x67}, "Records\x9a\x00\x00\x27\x10"...)}
	inputs = append(inputs, append([]byte{0xa1, 0x6b}, append([]byte("ChildShards\x9f"), bytes.Repeat([]byte{0xa0}, 1<<16)...)...))
	inputs = append(inputs, append([]byte{0xa1, 0x67}, append([]byte("Records\x9f"), bytes.Repeat([]byte{0xa0}, 1<<16)...)...))
	for i, p := range inputs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = cbor.ReadGet(p)
		_, _ = cbor.ReadPut(p)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		require.LessOrEqual(t, used, uint64(2*(16*len(p)+64<<10)), i)
	}
}

func BenchmarkReadGet(b *testing.B) {
	p := full(10_000)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = cbor.ReadGet(p)
	}
}

func BenchmarkAppendPut(b *testing.B) {
	entries := make([]api.Entry, 500)
	for i := range entries {
		entries[i] = api.Entry{Key: fmt.Sprintf("key-%05d", i), Data: bytes.Repeat([]byte("x"), 100)}
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = cbor.AppendPut(make([]byte, 0, cbor.PutBytes("orders", "", entries)), "orders", "", entries)
	}
}
