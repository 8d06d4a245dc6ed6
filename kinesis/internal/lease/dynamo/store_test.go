package dynamo_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/kinesis/internal/lease/leasetest"
)

const table = "group-stream"

// client is the SDK's on a fake.
func client(trip http.RoundTripper) *dynamodb.Client {
	return dynamo.NewClient(aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(dummy)}, "http://dynamodb.invalid", trip)
}

// open is a new table on a fake.
func open(t *testing.T, fake *fakekinesis.Tables) *dynamo.Store {
	t.Helper()
	s, err := dynamo.Open(t.Context(), client(fake), table, true)
	require.NoError(t, err)
	return s
}

func TestStoreKeepsThePromises(t *testing.T) {
	for name, o := range map[string]fakekinesis.TableOptions{
		"as documented":                 {Seed: 1},
		"with pages of three":           {Seed: 2, PageItems: 3},
		"with pages of a kilobyte":      {Seed: 3, PageBytes: 1 << 10},
		"without the item of a refusal": {Seed: 4, Bare: true},
		"with reads that lag":           {Seed: 5, Lag: 1 << 40},
	} {
		t.Run(name, func(t *testing.T) {
			leasetest.InBubbles(t, func(t *testing.T) lease.Store { return open(t, fakekinesis.NewTables(o)) })
		})
	}
}
