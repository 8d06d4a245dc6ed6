package fakekinesis_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// Over real HTTP the service answers, streams events as they come, and breaks connections where its script says so.
func TestHandlerServesOverHTTP(t *testing.T) {
	srv := fakekinesis.New(fakekinesis.Config{Settling: -1})
	require.NoError(t, srv.Create(name, 1))
	web := httptest.NewServer(srv.Handler())
	defer web.Close()
	client := kinesis.New(kinesis.Options{
		Region: "us-east-1", HTTPClient: web.Client(), Retryer: aws.NopRetryer{}, BaseEndpoint: &web.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
	b := &bench{T: t, srv: srv, client: client, ctx: t.Context(), live: true}
	b.put("k", "one")
	data, _ := b.read(first)
	require.Equal(t, []string{"one"}, data)

	s, err := b.subscribe(b.register("reader"), first, oldest)
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, texts(event(s).Records))
	b.put("k", "two")
	require.Equal(t, []string{"two"}, texts(event(s).Records))

	srv.Script().Add(fakekinesis.Fault{Op: "PutRecord", Kind: fakekinesis.Lose})
	_, err = client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: ptr(name), PartitionKey: ptr("k"), Data: []byte("lost answer")})
	require.Error(t, err)
	require.NotContains(t, code(err), "Exception")
	require.Equal(t, []string{"lost answer"}, texts(event(s).Records))
	require.NoError(t, s.Close())

	_, err = client.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: ptr("other")})
	require.ErrorAs(t, err, new(*types.ResourceNotFoundException))
	web.Client().CloseIdleConnections()
}
