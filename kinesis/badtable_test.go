package kinesis_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// What stands where the lease table should be is refused and not changed: a table that is none of leases, one that is not
// there, rows that are garbage.
func TestTablesThatAreNoLeaseTables(t *testing.T) {
	row := func(text string) func(*testing.T, *service, *kinesis.Backend) {
		return func(t *testing.T, s *service, _ *kinesis.Backend) {
			item, err := fakekinesis.ReadItem([]byte(text))
			require.NoError(t, err)
			require.NoError(t, s.tables.Put("g-s", item))
		}
	}
	const key = "checkpointSubSequenceNumber"
	const rest = `"leaseKey":{"S":"shardId-000000000000"},"leaseCounter":{"N":"1"},"ownerSwitchesSinceCheckpoint":{"N":"0"},`
	for name, c := range map[string]struct {
		before func(*testing.T, *service, *kinesis.Backend)
		want   error
		told   string
	}{
		"missing": {func(*testing.T, *service, *kinesis.Backend) {}, stream.ErrNotFound, "g-s"},
		"foreign": {func(t *testing.T, _ *service, b *kinesis.Backend) {
			_, err := b.Clients().DynamoDB.CreateTable(t.Context(), &dynamodb.CreateTableInput{
				TableName: aws.String("g-s"), BillingMode: ddb.BillingModePayPerRequest,
				AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddb.ScalarAttributeTypeS}},
				KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddb.KeyTypeHash}},
			})
			require.NoError(t, err)
		}, stream.ErrInvalid, "id (S)"},
		"no checkpoint":       {row(`{` + rest + `"checkpointSubSequenceNumber":{"N":"0"}}`), stream.ErrCorrupt, "checkpoint"},
		"no number":           {row(`{` + rest + `"checkpoint":{"S":"` + canary + `"},"` + key + `":{"N":"0"}}`), stream.ErrCorrupt, "checkpoint"},
		"a negative index":    {row(`{` + rest + `"checkpoint":{"S":"17"},"checkpointSubSequenceNumber":{"N":"-1"}}`), stream.ErrCorrupt, "checkpointSub"},
		"a checkpoint's type": {row(`{` + rest + `"checkpoint":{"N":"17"},"checkpointSubSequenceNumber":{"N":"0"}}`), stream.ErrCorrupt, "checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(1)
				require.NoError(t, s.Create("s", 1))
				config := s.config()
				config.CreateTable = false
				b := openConfig(t, config)
				c.before(t, s, b)
				before := fmt.Sprint(s.tables.Items("g-s"))
				r, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				err = r.Run(ctx, all)
				told(t, err, c.want)
				require.ErrorContains(t, err, c.told)
				require.Equal(t, before, fmt.Sprint(s.tables.Items("g-s")), "the table was changed")
				require.NoError(t, b.Close())
			})
		})
	}
}

// Items that are no leases stay as they are, and nobody reads by them.
func TestItemsThatAreNoLeases(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		others := map[string]string{
			"Migration3.0": `{"leaseKey":{"S":"Migration3.0"},"entityType":{"S":"COORDINATOR_STATE"},"cv":{"S":"CLIENT_VERSION_2X"}}`,
			"worker":       `{"leaseKey":{"S":"worker"},"entityType":{"S":"WORKER_METRICS"}}`,
			"a:b:shard":    `{"leaseKey":{"S":"a:b:shard"},"leaseCounter":{"N":"7"}}`,
		}
		for _, text := range others {
			item, err := fakekinesis.ReadItem([]byte(text))
			require.NoError(t, err)
			require.NoError(t, s.tables.Put("g-s", item))
		}
		before := s.tables.Items("g-s")
		produce(t, s.config(), "s")
		readOnce(t, s.config(), stream.ConsumerConfig{Group: "g"})
		after := s.tables.Items("g-s")
		for key := range others {
			require.Equal(t, before[key].String(), after[key].String())
		}
		require.Greater(t, len(after), len(others))
	})
}

// What the services refuse and lose is said in errors of the class, the operation and the place. No error and no log line,
// even at the level of debugging, has a key, a value or a secret in it.
func TestNothingIsSaidThatIsSecret(t *testing.T) {
	for name, c := range map[string]struct {
		streams, tables []fakekinesis.Fault
		send            error // nil: it is stored
		run             error // nil: it goes on
	}{
		"denied": {
			[]fakekinesis.Fault{{Op: "PutRecords", Times: -1, Kind: fakekinesis.Refuse, Code: "AccessDeniedException"}},
			[]fakekinesis.Fault{{Op: "Scan", Times: -1, Kind: fakekinesis.Refuse, Code: "AccessDeniedException"}},
			stream.ErrUnauthorized, stream.ErrUnauthorized,
		},
		"credentials that are too old": {
			[]fakekinesis.Fault{{Op: "PutRecords", Times: -1, Kind: fakekinesis.Expired}},
			[]fakekinesis.Fault{{Op: "DescribeTable", Times: -1, Kind: fakekinesis.Expired}},
			stream.ErrUnauthorized, stream.ErrUnauthorized,
		},
		"throttled": {
			[]fakekinesis.Fault{{Op: "PutRecords", Times: -1, Kind: fakekinesis.FailEntries}},
			nil, stream.ErrThrottled, nil,
		},
		"lost": {
			[]fakekinesis.Fault{{Op: "PutRecords", Times: -1, Kind: fakekinesis.Lose}},
			[]fakekinesis.Fault{{Op: "UpdateItem", Chance: 0.5, Kind: fakekinesis.Lose}},
			stream.ErrUnknownOutcome, nil,
		},
		"iterators that expire": {
			[]fakekinesis.Fault{{Op: "GetRecords", Chance: 0.1, Kind: fakekinesis.Refuse, Code: "ExpiredIteratorException"}},
			nil, nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(1)
				require.NoError(t, s.Create("s", 1))
				produce(t, s.config(), "s")
				s.Script().Add(c.streams...)
				s.tables.Script().Add(c.tables...)
				var lines log
				config := s.config()
				config.Credentials = credentials.NewStaticCredentialsProvider(canary, canary, canary)
				config.Logger = slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
				b := openConfig(t, config)
				p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}, DeliveryTimeout: 10 * time.Second, Logger: config.Logger})
				if err := p.Send(t.Context(), recordOf("s")); c.send == nil {
					require.NoError(t, err)
				} else {
					told(t, err, c.send, "s")
				}
				handled, err := readInSilence(t, b, config.Logger)
				if c.run == nil {
					require.NoError(t, err)
					require.NotZero(t, handled)
				} else {
					told(t, err, c.run, "s")
				}
				_ = p.Close(t.Context()) // what failed was told
				require.NoError(t, b.Close())
				require.NotContains(t, lines.String(), canary)
			})
		})
	}
}

// readInSilence reads the stream "s" in a group for a minute. No event has a key or a value in it.
func readInSilence(t *testing.T, b *kinesis.Backend, logger *slog.Logger) (handled int, err error) {
	t.Helper()
	r, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
		Group: "g", Streams: []string{"s"}, Logger: logger, Observe: func(e stream.Event) {
			require.NotContains(t, fmt.Sprintf("%+v", e), canary)
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = r.Run(ctx, stream.Each(func(context.Context, *stream.Record) error {
		handled++
		return nil
	}))
	return handled, err
}

// A log collects lines from many goroutines.
type log struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
