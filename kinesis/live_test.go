package kinesis_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// Clients reach both services, and the table only where there is one.
func TestClientsReachTheServices(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		out, err := b.Clients().Kinesis.ListShards(t.Context(), &awskinesis.ListShardsInput{StreamName: text("s")})
		require.NoError(t, err)
		require.Len(t, out.Shards, 1)
		makeTable(t, s, "g-s")
		table, err := b.Clients().DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: text("g-s")})
		require.NoError(t, err)
		require.Equal(t, "g-s", *table.Table.TableName)
		config := s.config()
		config.Static, config.CreateTable = true, false
		static := openConfig(t, config)
		require.Nil(t, static.Clients().DynamoDB)
		require.NoError(t, static.Close())
	})
}

// A stream's record size is asked for again and again while a producer is open: what was too large is stored when the
// stream takes it.
func TestRecordSizeIsFollowed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		p := sender(t, b, stream.ProducerConfig{Streams: []string{"s"}})
		large := &stream.Record{Stream: "s", Key: []byte("k"), Value: make([]byte, 2<<20-1)}
		told(t, p.Send(t.Context(), large), stream.ErrTooLarge, "s")
		of := &awskinesis.DescribeStreamSummaryInput{StreamName: text("s")}
		sum, err := b.Clients().Kinesis.DescribeStreamSummary(t.Context(), of)
		require.NoError(t, err)
		_, err = b.Clients().Kinesis.UpdateMaxRecordSize(t.Context(), &awskinesis.UpdateMaxRecordSizeInput{
			StreamARN: sum.StreamDescriptionSummary.StreamARN, MaxRecordSizeInKiB: aws.Int32(2 << 10),
		})
		require.NoError(t, err)
		time.Sleep(2500 * time.Millisecond) // two probes, since the change takes time
		require.NoError(t, p.Send(t.Context(), large))
		have, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.EqualValues(t, 2<<20, have.MaxRecordBytes.Value)
		require.Equal(t, stream.Discovered, have.MaxRecordBytes.Source)
	})
}

// A stream that the service begins to distribute by itself loses KeyOrder, in the middle of a producer's life: one that
// requires it fails, and an event tells why.
func TestAutoTakesOrderAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		var changed atomic.Int32
		p := sender(t, b, stream.ProducerConfig{
			Streams: []string{"s"}, Require: stream.Requirements{KeyOrder: stream.Emulated}, Observe: func(e stream.Event) {
				if e.Kind == stream.EventCapabilityChanged {
					changed.Add(1)
				}
			},
		})
		require.NoError(t, p.Send(t.Context(), recordOf("s")))
		require.NoError(t, s.Auto("s", true))
		time.Sleep(time.Minute + 5*time.Second) // capabilities are compared once a minute
		told(t, p.Send(t.Context(), recordOf("s")), stream.ErrUnsupported, "s")
		require.NotZero(t, changed.Load())
		have, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, stream.None, have.KeyOrder.Support)
		_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{
			Streams: []string{"s"}, Require: stream.Requirements{KeyOrder: stream.Emulated},
		})
		told(t, err, stream.ErrUnsupported)
	})
}

// Without the right to ask, nothing is known and nothing is made up; producers and readings without a group work all the
// same, and a group, which must know how long the stream keeps what and when it was made, says what is missing.
func TestWithoutTheRightToAsk(t *testing.T) {
	inBubble(t, func(t *testing.T, s *service, b *kinesis.Backend) {
		s.Script().Add(fakekinesis.Fault{
			Op: "DescribeStreamSummary", Times: -1, Kind: fakekinesis.Refuse, Code: "AccessDeniedException",
		})
		have, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, stream.Unknown, have.KeyOrder.Support)
		require.NotEqual(t, stream.Discovered, have.MaxRecordBytes.Source)
		_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{
			Streams: []string{"s"}, Require: stream.Requirements{KeyOrder: stream.Emulated},
		})
		told(t, err, stream.ErrUnsupported)
		produce(t, s.config(), "s")
		readOnce(t, s.config(), stream.ConsumerConfig{})
		c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{Group: "g", Streams: []string{"s"}})
		require.NoError(t, err)
		err = c.Run(t.Context(), all)
		told(t, err, stream.ErrUnauthorized, "s")
		require.ErrorContains(t, err, "DescribeStreamSummary")
	})
}

// Streams are probed once a minute by default, while something is open, and not otherwise.
func TestProbedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(1)
		require.NoError(t, s.Create("s", 1))
		config := s.config()
		config.ProbeEvery = 0
		b := openConfig(t, config)
		p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{Streams: []string{"s"}})
		require.NoError(t, err)
		begun := s.Ops()["DescribeStreamSummary"]
		time.Sleep(5*time.Minute + time.Second)
		require.Equal(t, 5, s.Ops()["DescribeStreamSummary"]-begun)
		require.NoError(t, p.Close(t.Context()))
		time.Sleep(5 * time.Minute)
		require.Equal(t, 5, s.Ops()["DescribeStreamSummary"]-begun)
		require.NoError(t, b.Close())
	})
}

// Without a lease table, checkpoints live in a Checkpointer of memory or files: another process goes on where one stopped.
func TestStaticWithCheckpointers(t *testing.T) {
	for name, kept := range map[string]stream.Checkpointer{
		"memory": stream.MemoryCheckpointer(), "files": stream.FileCheckpointer(t.TempDir()),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(1)
				require.NoError(t, s.Create("s", 2))
				config := s.config()
				config.Static, config.CreateTable = true, false
				for range 2 {
					produce(t, s.config(), "s")
					b := openConfig(t, config)
					c, err := stream.NewConsumer(t.Context(), b, stream.ConsumerConfig{
						Streams: []string{"s"}, End: stream.Latest(), Checkpointer: kept,
					})
					require.NoError(t, err)
					var handled atomic.Int32
					require.NoError(t, c.Run(t.Context(), stream.Each(func(context.Context, *stream.Record) error {
						handled.Add(1)
						return nil
					})))
					require.EqualValues(t, 8, handled.Load(), "what produce sent since the last time")
					require.NoError(t, b.Close())
				}
			})
		})
	}
}
