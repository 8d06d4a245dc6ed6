package streamport_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// wholeKinesis has every key of the section but static, which contradicts those of the table.
const wholeKinesis = `
backend: kinesis
kinesis:
  streams: [orders, "arn:aws:kinesis:eu-west-1:123456789012:stream/alerts"]
  region: eu-west-1
  profile: staging
  endpoint: http://127.0.0.1:4567
  table_endpoint: https://dynamodb.example.com
  cbor: true
  mode: unordered
  aggregation: by_shard
  tags: true
  compression: zstd
  linger: 20ms
  aggregate_bytes: 25KiB
  aggregate_records: 100
  in_flight: 4
  write_share: 0.5
  put_timeout: 2s
  fan_out: billing
  lease_table: billing
  create_table: true
  shared: true
  failover: 5s
  max_steal: 3
  poll_every: 500ms
  poll_records: 1000
  poll_share: 0.4
  buffer_bytes: 12MiB
  drop_foreign: true
  sync_every: 30s
  listing_lag: 10s
  request_timeout: 3s
  probe_every: 10s
`

func wholeKinesisConfig() *kinesis.Config {
	return &kinesis.Config{
		Streams: []string{"orders", "arn:aws:kinesis:eu-west-1:123456789012:stream/alerts"}, Region: "eu-west-1",
		Profile: "staging", Endpoint: "http://127.0.0.1:4567", TableEndpoint: "https://dynamodb.example.com", CBOR: true,
		Mode: kinesis.Unordered, Aggregation: kinesis.ByShard, Tags: true, Compression: kinesis.Zstd,
		Linger: 20 * time.Millisecond, AggregateBytes: 25 << 10, AggregateRecords: 100, InFlight: 4, WriteShare: 0.5,
		PutTimeout: 2 * time.Second, FanOut: "billing", LeaseTable: "billing", CreateTable: true, Shared: true,
		Failover: 5 * time.Second, MaxSteal: 3, PollEvery: 500 * time.Millisecond, PollRecords: 1000, PollShare: 0.4,
		BufferBytes: 12 << 20, DropForeign: true, SyncEvery: 30 * time.Second, ListingLag: 10 * time.Second,
		RequestTimeout: 3 * time.Second, ProbeEvery: 10 * time.Second,
	}
}

func TestEveryKeyOfKinesisIsRead(t *testing.T) {
	c, err := streamport.LoadConfig(file(t, "c.yaml", wholeKinesis))
	require.NoError(t, err)
	require.Equal(t, &streamport.Config{Backend: "kinesis", Kinesis: wholeKinesisConfig()}, c)
	simulated, err := c.Simulate(7)
	require.NoError(t, err)
	require.NoError(t, simulated.Close())
	text, err := json.Marshal(c)
	require.NoError(t, err)
	var again streamport.Config
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, *c, again)
	text, err = yaml.Marshal(c)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &again))
	require.Equal(t, *c, again)
}

func TestKinesisByURL(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	for _, url := range []string{
		"kinesis://orders", "kinesis://orders,alerts?region=us-east-1", "kinesis:?region=us-east-1", "kinesis:",
		"kinesis://orders?endpoint=http://127.0.0.1:4567&table_endpoint=http://localhost:8000&create_table=true",
		"kinesis://orders?mode=strict&failover=3s&fan_out=billing", "kinesis://orders?static=true",
		"kinesis://orders?mode=unordered&aggregation=by_shard&tags=true&compression=gzip",
		"kinesis:?streams=arn:aws:kinesis:eu-west-1:123456789012:stream/alerts",
	} {
		t.Run(url, func(t *testing.T) {
			b, err := streamport.Open(t.Context(), url)
			require.NoError(t, err, "opening dials nothing")
			require.IsType(t, &kinesis.Backend{}, b)
			require.NoError(t, b.Close())
		})
	}
}

func TestBadKinesisURLs(t *testing.T) {
	const canary = "CANARY5d2"
	for name, c := range map[string]struct{ url, message string }{
		"a key in the URL":     {"kinesis://AKIA" + canary + ":x@orders", "user"},
		"a secret key":         {"kinesis://orders?secret_access_key=" + canary, "unknown key"},
		"a word":               {"kinesis://orders?mode=fifo", "mode"},
		"an endpoint":          {"kinesis://orders?endpoint=http://example.com", "Endpoint"},
		"a stream":             {"kinesis://or%20ders", "Streams"},
		"a port":               {"kinesis://orders:4567", "Streams"},
		"a share":              {"kinesis://orders?poll_share=2", "PollShare"},
		"a contradiction":      {"kinesis://orders?static=true&create_table=true", "Static"},
		"a number for a share": {"kinesis://orders?write_share=NaN", "write_share"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streamport.Open(t.Context(), c.url)
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.ErrorContains(t, err, c.message)
			require.NotContains(t, err.Error(), canary)
		})
	}
}
