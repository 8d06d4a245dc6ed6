package stream_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Records that a producer must refuse, or must carry exactly. The numbers are the rows of the catalogue of bad input.
func TestRecordsAtTheEdge(t *testing.T) {
	key := func(k string) *stream.Record { return &stream.Record{Stream: "s", Key: []byte(k), Value: []byte("v")} }
	header := func(hs ...stream.Header) *stream.Record {
		return &stream.Record{Stream: "s", Key: []byte("k"), Value: []byte("v"), Headers: hs}
	}
	at := func(when time.Time) *stream.Record {
		return &stream.Record{Stream: "s", Key: []byte("k"), Value: []byte("v"), Time: when}
	}
	many := make([]stream.Header, 129)
	for name, test := range map[string]struct {
		profile memory.Profile
		rec     *stream.Record
		want    error // nil: taken, and read back as it was
	}{
		"row 12: nil record":                       {memory.Kafka, nil, stream.ErrInvalid},
		"row 12: no stream":                        {memory.Kafka, &stream.Record{Value: []byte("v")}, stream.ErrInvalid},
		"row 1: stream that does not exist":        {memory.Kafka, &stream.Record{Stream: "other"}, stream.ErrNotFound},
		"row 14: value over the limit, Kafka":      {memory.Kafka, &stream.Record{Stream: "s", Value: make([]byte, 2<<20)}, stream.ErrTooLarge},
		"row 14: value over the limit, Kinesis":    {memory.Kinesis, &stream.Record{Stream: "s", Key: []byte("k"), Value: make([]byte, 1<<20)}, stream.ErrTooLarge},
		"row 15: exactly the limit, key counted":   {memory.Kinesis, &stream.Record{Stream: "s", Key: []byte("k"), Value: make([]byte, 1<<20-1)}, nil},
		"row 16: nil key on Kinesis":               {memory.Kinesis, &stream.Record{Stream: "s", Value: []byte("v")}, stream.ErrUnsupported},
		"row 16: empty key on Kinesis":             {memory.Kinesis, key(""), stream.ErrUnsupported},
		"row 17: 256 characters of two bytes":      {memory.Kinesis, key(strings.Repeat("é", 256)), nil},
		"row 17: 257 characters":                   {memory.Kinesis, key(strings.Repeat("k", 257)), stream.ErrTooLarge},
		"row 18: key that is not UTF-8, Kinesis":   {memory.Kinesis, key("\xff\xfe"), stream.ErrUnsupported},
		"row 18: key that is not UTF-8, Kafka":     {memory.Kafka, key("\xff\xfe"), nil},
		"row 19: key with NUL, newline and U+2028": {memory.Kinesis, key("a\x00b\n\u2028"), nil},
		"row 19: composed key":                     {memory.Kinesis, key("\u00e9"), nil},
		"row 19: decomposed key":                   {memory.Kinesis, key("e\u0301"), nil},
		"row 21: tombstone on Kafka":               {memory.Kafka, &stream.Record{Stream: "s", Key: []byte("k")}, nil},
		"row 21: tombstone on Kinesis":             {memory.Kinesis, &stream.Record{Stream: "s", Key: []byte("k")}, stream.ErrUnsupported},
		"row 22: empty value":                      {memory.Kinesis, &stream.Record{Stream: "s", Key: []byte("k"), Value: []byte{}}, nil},
		"row 22: empty key on Kafka":               {memory.Kafka, key(""), nil},
		"row 23: repeated and empty header keys":   {memory.Kafka, header(stream.Header{Key: "a", Value: []byte("1")}, stream.Header{Key: "a", Value: []byte{}}, stream.Header{Key: "", Value: []byte("3")}), nil},
		"row 23: headers on Kinesis":               {memory.Kinesis, header(stream.Header{Key: "a"}), stream.ErrUnsupported},
		"row 24: 129 headers":                      {memory.Kafka, header(many...), stream.ErrTooLarge},
		"row 24: headers of more than 256 KiB":     {memory.Kafka, header(stream.Header{Key: "a", Value: make([]byte, 256<<10)}), stream.ErrTooLarge},
		"row 24: header key that is not UTF-8":     {memory.Kafka, header(stream.Header{Key: "\xff", Value: []byte("1")}), nil},
		"row 26: time before 1970":                 {memory.Kafka, at(time.Unix(-5, 0)), stream.ErrInvalid},
		"row 26: time in the year 10000":           {memory.Kafka, at(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), stream.ErrInvalid},
		"row 26: time of nanoseconds, truncated":   {memory.Kafka, at(time.Now().Truncate(time.Millisecond).Add(123)), nil},
		"row 26: event time on Kinesis":            {memory.Kinesis, at(time.Now()), stream.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := memory.Open(t.Context(), memory.Config{
				Profile: test.profile, Streams: []stream.StreamConfig{{Name: "s", Partitions: 1}},
			})
			require.NoError(t, err)
			p, err := stream.NewProducer(t.Context(), b, stream.ProducerConfig{})
			require.NoError(t, err)

			err = p.Send(t.Context(), test.rec)
			require.ErrorIs(t, err, test.want)
			stored := b.Records("s")
			if test.want != nil {
				require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
				require.Empty(t, stored)
				return
			}
			require.NoError(t, err)
			require.Len(t, stored, 1)
			requireSame(t, test.rec, &stored[0])
		})
	}
}

// requireSame compares what was sent with what was read, nil and empty told apart.
func requireSame(t *testing.T, sent, read *stream.Record) {
	t.Helper()
	require.True(t, bytes.Equal(sent.Key, read.Key) && (sent.Key == nil) == (read.Key == nil), "key")
	require.True(t, bytes.Equal(sent.Value, read.Value) && (sent.Value == nil) == (read.Value == nil), "value")
	require.Equal(t, len(sent.Headers), len(read.Headers))
	for i := range sent.Headers {
		require.Equal(t, sent.Headers[i].Key, read.Headers[i].Key)
		require.Equal(t, string(sent.Headers[i].Value), string(read.Headers[i].Value))
	}
	if !sent.Time.IsZero() {
		require.True(t, read.Time.Equal(sent.Time.Truncate(time.Millisecond)), "time")
	}
}

func TestMisuseOfAProducer(t *testing.T) {
	setup := func(t *testing.T, c stream.ProducerConfig) (*memory.Backend, stream.Producer) {
		b := open("s", "other")
		p, err := stream.NewProducer(t.Context(), b, c)
		require.NoError(t, err)
		return b, p
	}
	rec := func() *stream.Record { return &stream.Record{Stream: "s", Key: []byte("k"), Value: []byte("v")} }

	t.Run("row 10: nil context", func(t *testing.T) {
		b, p := setup(t, stream.ProducerConfig{})
		var none context.Context
		require.ErrorIs(t, p.Send(none, rec()), stream.ErrInvalid)
		require.ErrorIs(t, p.Flush(none), stream.ErrInvalid)
		require.ErrorIs(t, p.Transact(none, nil), stream.ErrInvalid)
		require.Empty(t, b.Records("s"))
	})
	t.Run("row 10: context that has ended", func(t *testing.T) {
		b, p := setup(t, stream.ProducerConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := p.Send(ctx, rec())
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
		require.Empty(t, b.Records("s"))
	})
	t.Run("row 12: nothing to send", func(t *testing.T) {
		_, p := setup(t, stream.ProducerConfig{})
		require.NoError(t, p.Send(t.Context()))
	})
	t.Run("row 13: one bad record of three", func(t *testing.T) {
		b, p := setup(t, stream.ProducerConfig{})
		bad := &stream.Record{}
		good := rec()
		err := p.Send(t.Context(), good, bad, rec())
		var failures stream.Failures
		require.ErrorAs(t, err, &failures)
		require.Len(t, failures, 3, "each record has its answer")
		require.Same(t, good, failures[0].Record)
		require.ErrorContains(t, failures[0].Err, "record 1")
		require.Empty(t, b.Records("s"), "nothing is sent in part")
	})
	t.Run("row 27: the record is the caller's again after Send", func(t *testing.T) {
		b, p := setup(t, stream.ProducerConfig{})
		r := rec()
		require.NoError(t, p.Send(t.Context(), r))
		copy(r.Value, "x")
		copy(r.Key, "x")
		require.Equal(t, "v", string(b.Records("s")[0].Value))
		require.Equal(t, "k", string(b.Records("s")[0].Key))
	})
	t.Run("row 5: requirements without streams", func(t *testing.T) {
		_, err := stream.NewProducer(t.Context(), open("s"), stream.ProducerConfig{Require: stream.Requirements{Headers: stream.Native}})
		require.ErrorIs(t, err, stream.ErrInvalid)
	})
	t.Run("row 4: negative numbers, all in one error", func(t *testing.T) {
		_, err := stream.NewProducer(t.Context(), nil, stream.ProducerConfig{Sessions: -1, DeliveryTimeout: -1, BufferedRecords: -1, BufferedBytes: -1})
		for _, name := range []string{"backend", "Sessions", "DeliveryTimeout", "BufferedRecords", "BufferedBytes"} {
			require.ErrorContains(t, err, name)
		}
	})
	t.Run("row 37: close twice, and use after it", func(t *testing.T) {
		_, p := setup(t, stream.ProducerConfig{})
		require.NoError(t, p.Close(t.Context()))
		require.NoError(t, p.Close(t.Context()))
		require.ErrorIs(t, p.Send(t.Context(), rec()), stream.ErrClosed)
		require.ErrorIs(t, p.Flush(t.Context()), stream.ErrClosed)
		answered := make(chan error, 1)
		p.SendAsync(t.Context(), rec(), func(_ stream.Ack, err error) { answered <- err })
		require.ErrorIs(t, <-answered, stream.ErrClosed)
	})
}
