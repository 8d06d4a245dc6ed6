package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/stream"
)

func TestFleetsOfLiveWorkersAreKnown(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	fleets := map[dynamo.Fleet]int{}
	for _, name := range live(t, fake) {
		s, err := dynamo.Open(t.Context(), client(fake), name, false)
		require.NoError(t, err)
		fleet, err := s.Fleet(t.Context())
		require.NoError(t, err)
		fleets[fleet]++
		if name == "app-x3" {
			require.Equal(t, dynamo.Assigned, fleet)
		}
	}
	require.Equal(t, map[dynamo.Fleet]int{dynamo.NoFleet: 5, dynamo.Compatible: 3, dynamo.Assigned: 1}, fleets)
}

func TestFleetByItsVersion(t *testing.T) {
	for version, want := range map[string]dynamo.Fleet{
		"INIT": dynamo.Compatible, "2X": dynamo.Compatible, "UPGRADE_FROM_2X": dynamo.Compatible,
		"3X": dynamo.Assigned, "3X_WITH_ROLLBACK": dynamo.Assigned, "4X": dynamo.Assigned,
	} {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
		s := open(t, fake)
		require.NoError(t, fake.Put(table, attributes(t, `{"leaseKey":{"S":"Migration3.0"},"cv":{"S":"CLIENT_VERSION_`+version+`"}}`)))
		fleet, err := s.Fleet(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, fleet, version)
	}
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	s := open(t, fake)
	require.NoError(t, fake.Put(table, attributes(t, `{"leaseKey":{"S":"Migration3.0"},"cv":{"N":"3"}}`)))
	fleet, err := s.Fleet(t.Context())
	require.ErrorIs(t, err, stream.ErrCorrupt)
	require.Equal(t, dynamo.Assigned, fleet)
}

// Workers of KCL 3.0 to 3.4 have a table of their own for it.
func TestFleetInTheCoordinatorsTable(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	s := open(t, fake)
	coordinator := aws.String(table + "-CoordinatorState")
	_, err := s.Client().CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: coordinator, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
	fleet, err := s.Fleet(t.Context())
	require.NoError(t, err)
	require.Equal(t, dynamo.NoFleet, fleet)

	require.NoError(t, fake.Put(*coordinator, attributes(t, `{"key":{"S":"Migration3.0"},"cv":{"S":"CLIENT_VERSION_3X"}}`)))
	fleet, err = s.Fleet(t.Context())
	require.NoError(t, err)
	require.Equal(t, dynamo.Assigned, fleet)

	fake.Script().Add(fakekinesis.Fault{Op: "GetItem", Resource: *coordinator, Kind: fakekinesis.Refuse, Code: "AccessDeniedException"})
	_, err = s.Fleet(t.Context())
	require.ErrorIs(t, err, stream.ErrUnauthorized, "what may not be read is not known")
}
