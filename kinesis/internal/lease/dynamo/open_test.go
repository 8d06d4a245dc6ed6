package dynamo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/stream"
)

func TestATableIsMadeOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{Creating: 7 * time.Second})
		_, err := dynamo.Open(t.Context(), client(fake), table, false)
		require.ErrorIs(t, err, stream.ErrNotFound)
		require.ErrorContains(t, err, "CreateTable", "the way out is named")
		require.ErrorContains(t, err, "leaseKey (S)")

		begun := time.Now()
		s, err := dynamo.Open(t.Context(), client(fake), table, true)
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, time.Since(begun).Round(time.Second))
		require.Equal(t, table, s.Table())
		out, err := s.Client().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)})
		require.NoError(t, err)
		require.Equal(t, types.BillingModePayPerRequest, out.Table.BillingModeSummary.BillingMode)

		_, err = dynamo.Open(t.Context(), client(fake), table, true)
		require.NoError(t, err, "one that is there is as good")
	})
}

func TestTwoThatMakeOneTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{Creating: 3 * time.Second})
		fake.Script().Add(fakekinesis.Fault{Op: "CreateTable", Times: 2, Kind: fakekinesis.Delay, Delay: time.Second},
			fakekinesis.Fault{Op: "DescribeTable", Nth: 3, Times: 2, Kind: fakekinesis.Refuse, Code: "ResourceNotFoundException"})
		results := make(chan error, 2)
		for range cap(results) {
			go func() {
				_, err := dynamo.Open(t.Context(), client(fake), table, true)
				results <- err
			}()
		}
		require.NoError(t, <-results)
		require.NoError(t, <-results)
		require.Equal(t, 2, fake.Ops()["CreateTable"])
	})
}

func TestATableWhoseMakingWasNotAnsweredIsWaitedFor(t *testing.T) {
	for _, kind := range []fakekinesis.Kind{fakekinesis.Lose, fakekinesis.Late, fakekinesis.RefuseAfter} {
		synctest.Test(t, func(t *testing.T) {
			fake := fakekinesis.NewTables(fakekinesis.TableOptions{Creating: 3 * time.Second})
			fake.Script().Add(fakekinesis.Fault{Op: "CreateTable", Kind: kind, Delay: 2 * time.Second},
				fakekinesis.Fault{Op: "DescribeTable", Nth: 2, Times: 3, Kind: fakekinesis.Refuse, Code: "ThrottlingException"})
			_, err := dynamo.Open(t.Context(), client(fake), table, true)
			require.NoError(t, err, kind)
		})
	}
}

func TestMakingATableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{Creating: time.Hour})
		begun := time.Now()
		_, err := dynamo.Open(t.Context(), client(fake), table, true)
		require.ErrorIs(t, err, stream.ErrNotFound)
		require.Equal(t, 3*time.Minute, time.Since(begun))

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = dynamo.Open(ctx, client(fake), table, false)
		require.ErrorIs(t, err, context.DeadlineExceeded, "one that somebody else makes is waited for too")
	})
}

func TestForeignTablesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		schema []types.KeySchemaElement
		kinds  []types.AttributeDefinition
		want   string
	}{
		"another name": {
			[]types.KeySchemaElement{{AttributeName: aws.String("ShardID"), KeyType: types.KeyTypeHash}},
			[]types.AttributeDefinition{{AttributeName: aws.String("ShardID"), AttributeType: types.ScalarAttributeTypeS}},
			"its key is ShardID (S)",
		},
		"another type": {
			[]types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}},
			[]types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeB}},
			"its key is leaseKey (B)",
		},
		"a sort key": {
			[]types.KeySchemaElement{
				{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("at"), KeyType: types.KeyTypeRange},
			},
			[]types.AttributeDefinition{
				{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("at"), AttributeType: types.ScalarAttributeTypeN},
			},
			"its key is leaseKey (S), at (N)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
			_, err := client(fake).CreateTable(t.Context(), &dynamodb.CreateTableInput{
				TableName: aws.String(table), KeySchema: c.schema, AttributeDefinitions: c.kinds, BillingMode: types.BillingModePayPerRequest,
			})
			require.NoError(t, err)
			_, err = dynamo.Open(t.Context(), client(fake), table, true)
			var foreign *dynamo.ForeignError
			require.ErrorAs(t, err, &foreign)
			require.Equal(t, table, foreign.Table)
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, 1, fake.Ops()["CreateTable"], "that was the test")
		})
	}
}

func TestWhoMayNotMakeATableIsTold(t *testing.T) {
	for _, op := range []string{"DescribeTable", "CreateTable"} {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
		fake.Script().Add(fakekinesis.Fault{Op: op, Kind: fakekinesis.Refuse, Code: "AccessDeniedException"})
		_, err := dynamo.Open(t.Context(), client(fake), table, true)
		require.ErrorIs(t, err, stream.ErrUnauthorized)
		require.ErrorContains(t, err, op)
	}
}
