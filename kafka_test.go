package streamport_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

// wholeKafka has every key of the section but those of certificates, whose files must exist.
const wholeKafka = `
backend: kafka
kafka:
  brokers: [b1, "b2:9093"]
  client: franz-go
  client_id: orders
  rack: eu-1a
  tls: {enabled: true, server_name: broker}
  sasl:
    mechanism: PLAIN
    user: app
    password: {env: KAFKA_PASSWORD}
    allow_plaintext: true
  acks: leader
  no_idempotence: true
  linger: 5ms
  batch_bytes: 512KiB
  compression: [zstd, lz4]
  compression_level: 3
  in_flight: 2
  place_by_record: true
  produce_timeout: 2s
  tx_timeout: 30s
  tx_id: orders
  isolation: read_uncommitted
  fetch_min_bytes: 1KiB
  fetch_max_bytes: 10MiB
  fetch_max_wait: 100ms
  partition_bytes: 2MiB
  buffer_bytes: 8MiB
  decompress_bytes: 16MiB
  assignment: eager
  static_members: true
  session: 6s
  heartbeat: 500ms
  rebalance: 30s
  stuck: forever
  request_timeout: 2s
  metadata_min_age: 100ms
  metadata_max_age: 30s
  probe_every: 10s
  read_bytes: 64MiB
`

func wholeKafkaConfig() *kafka.Config {
	return &kafka.Config{
		Brokers: []string{"b1", "b2:9093"}, Client: kafka.FranzGo, ClientID: "orders", Rack: "eu-1a",
		TLS:  kafka.TLS{Enabled: true, ServerName: "broker"},
		SASL: kafka.SASL{Mechanism: kafka.Plain, User: "app", Password: streamport.NewSecret("hunter2"), AllowPlaintext: true},
		Acks: kafka.AcksLeader, NoIdempotence: true, Linger: 5 * time.Millisecond, BatchBytes: 512 << 10,
		Compression: []kafka.Codec{kafka.Zstd, kafka.LZ4}, CompressionLevel: 3, InFlight: 2, PlaceByRecord: true,
		ProduceTimeout: 2 * time.Second, TxTimeout: 30 * time.Second, TxID: "orders", Isolation: kafka.ReadUncommitted,
		FetchMinBytes: 1 << 10, FetchMaxBytes: 10 << 20, FetchMaxWait: 100 * time.Millisecond, PartitionBytes: 2 << 20,
		BufferBytes: 8 << 20, DecompressBytes: 16 << 20, Assignment: kafka.Eager, StaticMembers: true, Session: 6 * time.Second,
		Heartbeat: 500 * time.Millisecond, Rebalance: 30 * time.Second, Stuck: -1, RequestTimeout: 2 * time.Second,
		MetadataMinAge: 100 * time.Millisecond, MetadataMaxAge: 30 * time.Second, ProbeEvery: 10 * time.Second, ReadBytes: 64 << 20,
	}
}

func TestEveryKeyOfKafkaIsRead(t *testing.T) {
	t.Setenv("KAFKA_PASSWORD", "hunter2")
	c, err := streamport.LoadConfig(file(t, "c.yaml", wholeKafka))
	require.NoError(t, err)
	require.Equal(t, &streamport.Config{Backend: "kafka", Kafka: wholeKafkaConfig()}, c)
	b, err := c.Open(t.Context())
	require.NoError(t, err, "opening dials nothing")
	require.NotNil(t, b.(*kafka.Backend).Client())
	require.NoError(t, b.Close())
	simulated, err := c.Simulate(7)
	require.NoError(t, err)
	require.NoError(t, simulated.Close())
}

func TestKafkaIsWrittenAsItIsRead(t *testing.T) {
	c := streamport.Config{Backend: "kafka", Kafka: wholeKafkaConfig()}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c, c.Kafka), "hunter2")
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.Contains(t, string(text), `"password":"***"`)
	var again streamport.Config
	require.ErrorIs(t, json.Unmarshal(text, &again), stream.ErrInvalid, "a secret does not come back")
	c.Kafka.SASL = kafka.SASL{Mechanism: kafka.OAuthBearer, TokenFile: "token", Extensions: map[string]string{"a": "b"}}
	text, err = json.Marshal(c)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, c, again)
	text, err = yaml.Marshal(c)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &again))
	require.Equal(t, c, again)
}

func TestKafkaByURL(t *testing.T) {
	t.Setenv("KAFKA_PASSWORD", "hunter2")
	t.Setenv("BROKERS", "b1:9093,b2:9093")
	for _, url := range []string{
		"kafka://localhost", "kafka://b1:9092,b2:9092,[::1]:9092", "kafka:?brokers=b1,b2", "kafka://${BROKERS}",
		"kafka://b?acks=all&linger=5ms&compression=zstd,none&compression_level=3&batch_bytes=1MiB&isolation=read_uncommitted",
		"kafka://b?client=kafka-go", "kafka://b?client=franz-go", "kafka://b?client=kafka-go&assignment=eager&acks=1",
		"kafka://b?acks=1", "kafka://b?acks=-1", "kafka://b?stuck=forever&assignment=server",
		"kafka://b?tls.enabled=true&sasl.mechanism=SCRAM-SHA-512&sasl.user=u&sasl.password=${KAFKA_PASSWORD}",
		"kafka://b?tls.enabled=true&sasl.mechanism=OAUTHBEARER&sasl.token_file=/var/run/token&sasl.extensions.logicalCluster=lkc",
		"kafka://b:9098?tls.enabled=true&sasl.mechanism=AWS_MSK_IAM",
	} {
		b, err := streamport.Open(t.Context(), url)
		require.NoError(t, err, url)
		require.NoError(t, b.Close())
	}
}

func TestKafkaURLIsRefused(t *testing.T) {
	for url, want := range map[string]string{
		"kafka:":                                 "Brokers: is empty",
		"kafka://":                               "Brokers: is empty",
		"kafka://u:hunter2@b":                    "no user and no password",
		"kafka://b,b":                            `"b:9092" is listed twice`,
		"kafka://b/topic":                        "a URL of kafka has no path",
		"kafka://b?client=kafka-og":              `url: client: "kafka-og": unknown word; did you mean kafka-go?`,
		"kafka://b?client=sarama":                `url: client: "sarama": unknown word; known: franz-go, kafka-go`,
		"kafka://b?clientt=kafka-go":             "url: clientt: unknown key; did you mean client?",
		"kafka://b?acks=2":                       "url: acks: \"2\": unknown word; known: all, leader, none",
		"kafka://b?ackss=all":                    "url: ackss: unknown key; did you mean acks?",
		"kafka://b?linger=5":                     `url: linger: "5": has no unit`,
		"kafka://b?linger=5m":                    "url: linger: Linger: 5m0s is out of range",
		"kafka://b?sasl.mechanism=PLAIM":         "url: sasl.mechanism: \"PLAIM\": unknown word; did you mean PLAIN?",
		"kafka://b?sasl.password=hunter2":        "url: sasl.password: a secret does not stand in a URL; write ${NAME}",
		"kafka://b?tls.ca_file=/nonexistent":     "url: tls.ca_file: TLS.CAFile: cannot be read",
		"kafka://b?in_flight=6":                  "url: in_flight: InFlight: 6: with idempotence",
		"kafka://b?compression=brotli":           "unknown word",
		"kafka://b?token=x":                      "url: token: unknown key",
		"kafka://b?sasl.token=hunter2":           "url: sasl.token: unknown key; known: mechanism, user",
		"kafak://b":                              `unknown backend "kafak"; did you mean kafka?`,
		"kafka://b?fetch_min_bytes=1GiB":         "FetchMinBytes: 1073741824 is out of range",
		"kafka://b?session=3s&heartbeat=2s":      "Heartbeat: 2s is out of range",
		"kafka://b?sasl.user=u&tls.enabled=true": "SASL.Mechanism: is missing",
	} {
		_, err := streamport.Open(t.Context(), url)
		require.ErrorIs(t, err, stream.ErrInvalid, url)
		require.ErrorContains(t, err, want, url)
		require.NotContains(t, err.Error(), "hunter2")
		var mistakes streamport.ConfigErrors
		require.ErrorAs(t, err, &mistakes, url)
	}
}

// What says that a backend goes through kafka-go: the client of the default library is not there.
func TestTheClientIsChosenByConfiguration(t *testing.T) {
	path := file(t, "c.yaml", "backend: kafka\nkafka:\n  brokers: [b]\n  client: franz-go\n")
	for client, want := range map[string]bool{"kafka-go": false, "franz-go": true, "": true} {
		t.Run(client, func(t *testing.T) {
			if client != "" {
				t.Setenv("STREAMPORT_KAFKA_CLIENT", client)
			}
			c, err := streamport.LoadConfig(path)
			require.NoError(t, err)
			b, err := c.Open(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, b.(*kafka.Backend).Client() != nil)
			require.NoError(t, b.Close())
			simulated, err := c.Simulate(7)
			require.NoError(t, err)
			require.NoError(t, stream.EnsureStream(t.Context(), simulated, stream.StreamConfig{Name: "s"}))
			have, err := simulated.Capabilities(t.Context(), "s")
			require.NoError(t, err)
			require.Equal(t, want, have.Transactions.Support == stream.Native, have.Transactions.Reason)
			require.NoError(t, simulated.Close())
		})
	}
	t.Setenv("STREAMPORT_KAFKA_CLIENT", "librdkafka")
	_, err := streamport.LoadConfig(path)
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorContains(t, err, `STREAMPORT_KAFKA_CLIENT: "librdkafka": unknown word; known: franz-go, kafka-go`)
}

func TestWhatKafkaGoCannotDoHasItsLine(t *testing.T) {
	path := file(t, "c.yaml", "backend: kafka\nkafka:\n  client: kafka-go\n  brokers: [b]\n  static_members: true\n  assignment: server\n")
	_, err := streamport.LoadConfig(path)
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.ErrorIs(t, err, stream.ErrUnsupported)
	require.ErrorContains(t, err, path+":5: kafka.static_members: ")
	require.ErrorContains(t, err, path+":6: kafka.assignment: ")
	require.ErrorContains(t, err, "use franz-go (client: franz-go)")
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	require.Len(t, mistakes, 2)
}

func TestEveryMistakeOfKafkaHasItsLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`backend: kafka
kafka:
  brokers: [b, "kafka://c"]
  acks: most
  linger: 2h
  session: 1ms
  tls:
    cert_file: /nonexistent
  sasl:
    mechanism: PLAIN
    user: u
`), 0o600))
	_, err := streamport.LoadConfig(path)
	for _, want := range []string{
		":3: kafka.brokers[1]: Brokers[1]: begins with a scheme", `:4: kafka.acks: "most": unknown word`, ":5: kafka.linger: ",
		":6: kafka.session: ", ":8: kafka.tls.cert_file: ", ":9: kafka.sasl: SASL.Password: is missing",
	} {
		require.ErrorContains(t, err, path+want)
	}
	var mistakes streamport.ConfigErrors
	require.ErrorAs(t, err, &mistakes)
	require.Len(t, mistakes, 6, "%s", strings.TrimSpace(err.Error()))
}
