package fakekinesis_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// bench is a fake, a client of it that does not retry, and a stream in it.
type bench struct {
	*testing.T
	srv    *fakekinesis.Server
	client *kinesis.Client
	ctx    context.Context //nolint:containedctx // of the test
	live   bool            // in real time
}

const name = "orders"

// run runs a test in a bubble on a stream with so many shards; 0: no stream.
func run(t *testing.T, cfg fakekinesis.Config, shards int32, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, srv: fakekinesis.New(cfg), ctx: t.Context()}
		b.client = newClient(b.srv)
		if shards > 0 {
			_, err := b.client.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: ptr(name), ShardCount: &shards})
			require.NoError(t, err)
			b.settle()
		}
		test(b)
	})
}

func newClient(srv *fakekinesis.Server) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", HTTPClient: srv.Client(), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
}

// ownProtocol gives a call a protocol of its own: the SDK's is not safe for concurrent subscriptions.
func ownProtocol(o *kinesis.Options) { o.Protocol = awsjson.New11(schemas.Kinesis_20131202) }

func ptr[T any](v T) *T { return &v }

// settle waits until changes have come about; at a live service they have.
func (b *bench) settle() {
	if !b.live {
		time.Sleep(250 * time.Millisecond)
	}
}

// code is the service's code of an error, "" for none, and the error's text if it is no answer.
func code(err error) string {
	var e smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.ErrorCode()
	}
	return err.Error()
}

// shards lists all shards.
func (b *bench) shards() []types.Shard {
	out, err := b.client.ListShards(b.ctx, &kinesis.ListShardsInput{StreamName: ptr(name)})
	require.NoError(b, err)
	return out.Shards
}

// put stores a record.
func (b *bench) put(key, data string) *kinesis.PutRecordOutput {
	out, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: ptr(name), PartitionKey: &key, Data: []byte(data)})
	require.NoError(b, err)
	return out
}

// iterator begins to read a shard.
func (b *bench) iterator(shard string, kind types.ShardIteratorType, number string) *string {
	in := &kinesis.GetShardIteratorInput{StreamName: ptr(name), ShardId: &shard, ShardIteratorType: kind}
	if number != "" {
		in.StartingSequenceNumber = &number
	}
	out, err := b.client.GetShardIterator(b.ctx, in)
	require.NoError(b, err)
	return out.ShardIterator
}

// get reads a page.
func (b *bench) get(iterator *string) *kinesis.GetRecordsOutput {
	out, err := b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: iterator})
	require.NoError(b, err)
	return out
}

// read reads a shard until its end, or until nothing more is there.
func (b *bench) read(shard string) (data []string, children []types.ChildShard) {
	for it := b.iterator(shard, types.ShardIteratorTypeTrimHorizon, ""); it != nil; {
		page := b.get(it)
		data = append(data, texts(page.Records)...)
		it, children = page.NextShardIterator, page.ChildShards
		if it != nil && len(page.Records) == 0 && *page.MillisBehindLatest == 0 {
			return data, nil
		}
	}
	return data, children
}

func texts(records []types.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Data))
	}
	return all
}
