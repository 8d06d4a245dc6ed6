//go:build servers

package aggregate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// Amazon's client library gets the data of everything that is stored here, with tags and without.
func TestTheClientLibraryReadsAggregatesAndTags(t *testing.T) {
	service := testenv.RunKinesis(t, testenv.KinesisConfig{})
	table := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	c := kinesis.New(kinesis.Options{Region: testenv.Region, BaseEndpoint: aws.String(service.Endpoint()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: testenv.AccessKey, SecretAccessKey: testenv.SecretKey}, nil
		})})
	_, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	exists := kinesis.NewStreamExistsWaiter(c)
	require.NoError(t, exists.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("s")}, time.Minute))

	want := storeAll(t, c)
	k := testenv.RunKCL(t, testenv.KCLConfig{Stream: "s", Table: "table",
		Kinesis: service.Endpoint(), DynamoDB: table.Endpoint()})
	var got []testenv.KCLEvent
	_, err = k.Until(ctx, func(e testenv.KCLEvent) bool {
		if e.Kind == "record" {
			got = append(got, e)
		}
		return len(got) == len(want)
	})
	require.NoError(t, err, "after %d of %d records", len(got), len(want))
	for i, rec := range want {
		require.Equal(t, rec.Key, got[i].Key)
		require.Equal(t, rec.Data, got[i].Data)
	}
	requireReadBack(t, c, len(want))
}

// storeAll stores records of every kind, one Kinesis record each, and then some in one aggregate.
func storeAll(t *testing.T, c *kinesis.Client) []aggregate.Sealed {
	s := sealer(t, "")
	var all []aggregate.Sealed
	var packed aggregate.Encoder
	for i, rec := range everyKind() {
		sealed, err := s.Seal(rec)
		require.NoError(t, err)
		r := store(t, sealed)
		if i%2 == 0 {
			packed.Reset()
			require.True(t, packed.Add(sealed.Key, "", sealed.Data, sealed.Tags))
			require.True(t, packed.Add(sealed.Key, "", []byte("behind it"), nil))
			r.Data = packed.AppendTo(nil)
		}
		_, err = c.PutRecord(t.Context(),
			&kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &r.Key, Data: r.Data})
		require.NoError(t, err)
		all = append(all, sealed)
		if i%2 == 0 {
			all = append(all, aggregate.Sealed{Key: sealed.Key, Data: []byte("behind it")})
		}
	}
	return all
}

func everyKind() []*stream.Record {
	all := []*stream.Record{
		{Key: []byte("plain"), Value: []byte("v")},
		{Key: []byte("empty"), Value: []byte{}},
		{Key: []byte("tombstone")},
		{Value: []byte("no key")},
		{Key: []byte{}, Value: []byte("empty key")},
		{Key: []byte{0, 0xff, 0xfe}, Value: []byte("binary key")},
		{Key: make([]byte, 3000), Value: []byte("long key")},
		{Key: []byte("время"), Value: []byte("v"), Time: arrival},
		{Key: []byte("h"), Value: []byte("v"), Headers: []stream.Header{{Key: "a", Value: []byte("1")}, {Key: "a"},
			{Key: "\xff%", Value: []byte{0, 0xff}}, {Key: "sp-v", Value: []byte("2")}, {Key: "", Value: []byte{}}}},
	}
	for i := range 20 {
		all = append(all, &stream.Record{Key: fmt.Appendf(nil, "k%d", i), Value: make([]byte, i*100)})
	}
	return all
}

// requireReadBack reads the shard here, and requires what was sealed.
func requireReadBack(t *testing.T, c *kinesis.Client, n int) {
	it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("s"),
		ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON"})
	require.NoError(t, err)
	o := aggregate.Opener{Stream: "s", Shard: "p", Range: shard.Whole()}
	var got []stream.Record
	for next := it.ShardIterator; len(got) < n; {
		page, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: next})
		require.NoError(t, err)
		next = page.NextShardIterator
		for _, r := range page.Records {
			require.NoError(t, o.Open(api.Record{Key: *r.PartitionKey, Sequence: *r.SequenceNumber, Data: r.Data,
				Arrival: *r.ApproximateArrivalTimestamp}))
			recs, _, errs := drain(&o)
			require.Empty(t, errs)
			got = append(got, recs...)
		}
	}
	at := 0
	for i, want := range everyKind() {
		require.Equal(t, want.Key, got[at].Key)
		require.Equal(t, want.Value, got[at].Value)
		require.Equal(t, want.Headers, got[at].Headers)
		if !want.Time.IsZero() {
			require.True(t, want.Time.Equal(got[at].Time))
		}
		at++
		if i%2 == 0 {
			at++ // what stands behind it in the aggregate
		}
	}
}
