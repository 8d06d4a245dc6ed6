//go:build servers

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// The same program on emulators of Kinesis and of DynamoDB counts what it counts on memory, and nothing is lost or out of
// order.
func TestCountsOnKinesisAreThoseOnMemory(t *testing.T) {
	onMemory := output(t, "-url", "memory:?session=1ms")
	streams := testenv.RunKinesis(t, testenv.KinesisConfig{})
	tables := testenv.RunDynamoDB(t, testenv.DynamoDBConfig{})
	onKinesis := output(t, "-url", "kinesis://quakes?endpoint="+streams.Endpoint()+
		"&table_endpoint="+tables.Endpoint()+"&create_table=true&failover=2s")
	requireRight(t, onKinesis)
	require.Equal(t, counts(onMemory), counts(onKinesis))
	t.Logf("kinesis-local %s, DynamoDB Local %s:\n%s",
		testenv.KinesisLocalVersion, testenv.DynamoDBLocalVersion, onKinesis)
}
