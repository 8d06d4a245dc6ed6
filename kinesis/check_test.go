package kinesis_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func TestEveryMistakeIsTold(t *testing.T) {
	const loopback = "http://127.0.0.1:4567"
	for name, c := range map[string]struct {
		config kinesis.Config
		field  string
	}{
		"no name of a stream":        {kinesis.Config{Streams: []string{"orders", "a b"}}, "Streams"},
		"an empty name":              {kinesis.Config{Streams: []string{""}}, "Streams"},
		"a name of 129":              {kinesis.Config{Streams: []string{strings.Repeat("a", 129)}}, "Streams"},
		"an ARN of something else":   {kinesis.Config{Streams: []string{"arn:aws:sqs:eu-west-1:123456789012:orders"}}, "Streams"},
		"no region":                  {kinesis.Config{Region: "Ireland"}, "Region"},
		"an endpoint without scheme": {kinesis.Config{Endpoint: "127.0.0.1:4567"}, "Endpoint"},
		"an endpoint in the clear":   {kinesis.Config{Endpoint: "http://kinesis.example.com"}, "Endpoint"},
		"an endpoint with a key":     {kinesis.Config{Endpoint: "https://AKIA:secret@example.com"}, "Endpoint"},
		"an endpoint with a path":    {kinesis.Config{Endpoint: "https://example.com/path"}, "Endpoint"},
		"a table endpoint likewise":  {kinesis.Config{TableEndpoint: "http://10.0.0.1:8000"}, "TableEndpoint"},
		"a mode":                     {kinesis.Config{Mode: "fifo"}, "Mode"},
		"an aggregation":             {kinesis.Config{Aggregation: "on"}, "Aggregation"},
		"aggregation by shard in order": {
			kinesis.Config{Aggregation: kinesis.ByShard}, "Aggregation",
		},
		"a compression":              {kinesis.Config{Tags: true, Compression: "rar"}, "Compression"},
		"compression without tags":   {kinesis.Config{Compression: kinesis.Gzip}, "Compression"},
		"linger":                     {kinesis.Config{Linger: 2 * time.Minute}, "Linger"},
		"aggregates of nothing":      {kinesis.Config{AggregateBytes: 1}, "AggregateBytes"},
		"too many in an aggregate":   {kinesis.Config{AggregateRecords: 1 << 20}, "AggregateRecords"},
		"in flight":                  {kinesis.Config{InFlight: 201}, "InFlight"},
		"a share that is no number":  {kinesis.Config{WriteShare: math.NaN()}, "WriteShare"},
		"a share beyond the limits":  {kinesis.Config{WriteShare: 2}, "WriteShare"},
		"a put time-out":             {kinesis.Config{PutTimeout: time.Millisecond}, "PutTimeout"},
		"a consumer's name":          {kinesis.Config{FanOut: "a/b"}, "FanOut"},
		"a table's name":             {kinesis.Config{LeaseTable: "{group}/{stream}"}, "LeaseTable"},
		"an unknown word in a table": {kinesis.Config{LeaseTable: "{app}"}, "LeaseTable"},
		"a table without leases":     {kinesis.Config{Static: true, CreateTable: true}, "Static"},
		"failover":                   {kinesis.Config{Failover: time.Millisecond}, "Failover"},
		"stealing":                   {kinesis.Config{MaxSteal: -1}, "MaxSteal"},
		"polling too often":          {kinesis.Config{PollEvery: 10 * time.Millisecond}, "PollEvery"},
		"too many a poll":            {kinesis.Config{PollRecords: 10_001}, "PollRecords"},
		"all of the calls and more":  {kinesis.Config{PollShare: 1.1}, "PollShare"},
		"a buffer of nothing":        {kinesis.Config{BufferBytes: 1}, "BufferBytes"},
		"listing":                    {kinesis.Config{SyncEvery: time.Millisecond}, "SyncEvery"},
		"a lag of listings":          {kinesis.Config{ListingLag: time.Hour}, "ListingLag"},
		"a request's time":           {kinesis.Config{RequestTimeout: -1}, "RequestTimeout"},
		"probing":                    {kinesis.Config{ProbeEvery: time.Millisecond}, "ProbeEvery"},
	} {
		t.Run(name, func(t *testing.T) {
			config := c.config
			if config.Endpoint == "" {
				config.Endpoint = loopback
			}
			_, err := kinesis.Open(t.Context(), config)
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.ErrorContains(t, err, c.field+":")
			require.NotContains(t, err.Error(), "secret")
			var where *stream.Error
			require.True(t, errors.As(err, &where))
			require.Equal(t, "open", where.Op)
			_, err = kinesis.Simulate(config, 1)
			require.ErrorIs(t, err, stream.ErrInvalid, "the simulator refuses what Open refuses")
		})
	}
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	_, err := kinesis.Open(t.Context(), kinesis.Config{Region: "x", Mode: "y", PollShare: 7, FanOut: "/"})
	for _, field := range []string{"Region:", "Mode:", "PollShare:", "FanOut:"} {
		require.ErrorContains(t, err, field)
	}
}

// simulated opens the simulator for c with the stream "s", and returns what it can do.
func simulated(t *testing.T, c kinesis.Config) stream.Capabilities {
	t.Helper()
	b, err := kinesis.Simulate(c, 7)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "s", Partitions: 2}))
	have, err := b.Capabilities(t.Context(), "s")
	require.NoError(t, err)
	return have
}

func TestSimulateHasWhatTheConfigurationLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		config                    kinesis.Config
		keyOrder, headers, groups stream.Support
	}{
		"the zero Config": {kinesis.Config{}, stream.Emulated, stream.None, stream.Emulated},
		"tags":            {kinesis.Config{Tags: true}, stream.Emulated, stream.Emulated, stream.Emulated},
		"unordered":       {kinesis.Config{Mode: kinesis.Unordered}, stream.None, stream.None, stream.Emulated},
		"unordered, tags": {kinesis.Config{Mode: kinesis.Unordered, Tags: true}, stream.None, stream.Emulated, stream.Emulated},
		"static":          {kinesis.Config{Static: true}, stream.Emulated, stream.None, stream.None},
	} {
		t.Run(name, func(t *testing.T) {
			have := simulated(t, c.config)
			require.Equal(t, c.keyOrder, have.KeyOrder.Support)
			require.Equal(t, c.headers, have.Headers.Support)
			require.Equal(t, c.groups, have.Groups.Support)
			require.Equal(t, stream.None, have.Transactions.Support)
		})
	}
}

func TestSimulateTakesTheSessionAndTheSeed(t *testing.T) {
	m, err := kinesis.Config{Failover: 3 * time.Second}.Simulate(9)
	require.NoError(t, err)
	require.Equal(t, memory.Config{Profile: memory.Kinesis, Seed: 9, Session: 3 * time.Second}, m)
}
