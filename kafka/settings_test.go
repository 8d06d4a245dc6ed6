package kafka_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/kafka/internal/franz"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/stream"
)

// A recorder is a driver that keeps the settings it is given, checks them as franz-go does, and opens nothing.
type recorder struct{ settings engine.Settings }

func (r *recorder) Name() string { return "recorder" }

func (r *recorder) Assignment() engine.Assignment { return franz.Driver{}.Assignment() }

func (r *recorder) Check(s engine.Settings) error {
	r.settings = s
	return franz.Driver{}.Check(s)
}

func (*recorder) Open(engine.Settings) (engine.Client, error) { return nil, stream.ErrUnsupported }

// resolve returns what engines get of c.
func resolve(t *testing.T, c kafka.Config) (engine.Settings, error) {
	t.Helper()
	var r recorder
	_, err := kafka.OpenEngine(t.Context(), c, &r)
	require.Error(t, err)
	if r.settings.Logger != nil {
		require.ErrorIs(t, err, stream.ErrUnsupported, "the recorder opens nothing")
		return r.settings, nil
	}
	require.ErrorIs(t, err, stream.ErrInvalid)
	return engine.Settings{}, err
}

func local() kafka.Config { return kafka.Config{Brokers: []string{"localhost:9092"}} }

func TestTheZeroConfigIsTheSafest(t *testing.T) {
	s, err := resolve(t, local())
	require.NoError(t, err)
	require.NotNil(t, s.Logger)
	s.Logger = nil
	require.Equal(t, engine.Settings{
		Brokers: []string{"localhost:9092"}, ClientID: "streamport", TxID: "streamport",
		Acks: engine.AcksAll, Idempotent: true, BatchBytes: 1_048_588, Compression: []string{"none"}, InFlight: 5,
		ProduceTimeout: 4 * time.Second, TxTimeout: time.Minute,
		FetchMinBytes: 1, FetchMaxBytes: 50 << 20, FetchMaxWait: 500 * time.Millisecond, PartitionBytes: 1 << 20,
		BufferBytes: 4 << 20, DecompressBytes: 64 << 20, Assignment: engine.Cooperative,
		Session: 45 * time.Second, Heartbeat: time.Second, Rebalance: time.Minute, Stuck: 5 * time.Minute,
		RequestOverhead: 3 * time.Second, MetadataMinAge: 250 * time.Millisecond, MetadataMaxAge: time.Minute,
		ProbeEvery: time.Minute, ReadBytes: 100 << 20,
	}, s)
	require.Less(t, s.ProduceTimeout+s.RequestOverhead, 8*time.Second, "a paused leader is left within 8 s")
}

func TestDefaultsFollowWhatIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*kafka.Config)
		check  func(*testing.T, engine.Settings)
	}{
		"acks of the leader turn idempotence off": {
			func(c *kafka.Config) { c.Acks = kafka.AcksLeader },
			func(t *testing.T, s engine.Settings) { require.False(t, s.Idempotent); require.Equal(t, 1, s.InFlight) },
		},
		"acks as Kafka writes them": {
			func(c *kafka.Config) { c.Acks = "0" },
			func(t *testing.T, s engine.Settings) { require.Equal(t, engine.AcksNone, s.Acks) },
		},
		"acks=-1": {
			func(c *kafka.Config) { c.Acks = "-1" },
			func(t *testing.T, s engine.Settings) { require.True(t, s.Idempotent) },
		},
		"no idempotence": {
			func(c *kafka.Config) { c.NoIdempotence, c.InFlight = true, 100 },
			func(t *testing.T, s engine.Settings) {
				require.False(t, s.Idempotent)
				require.Equal(t, 100, s.InFlight)
			},
		},
		"a short session": {
			func(c *kafka.Config) { c.Session = 1500 * time.Millisecond },
			func(t *testing.T, s engine.Settings) { require.Equal(t, 500*time.Millisecond, s.Heartbeat) },
		},
		"small answers": {
			func(c *kafka.Config) { c.FetchMaxBytes = 1 << 10 },
			func(t *testing.T, s engine.Settings) { require.EqualValues(t, 1<<10, s.PartitionBytes) },
		},
		"large answers": {
			func(c *kafka.Config) { c.FetchMaxBytes = 1 << 30 },
			func(t *testing.T, s engine.Settings) { require.EqualValues(t, 1<<30, s.ReadBytes) },
		},
		"no watchdog": {
			func(c *kafka.Config) { c.Stuck = -1 },
			func(t *testing.T, s engine.Settings) { require.Zero(t, s.Stuck) },
		},
		"slow metadata": {
			func(c *kafka.Config) { c.MetadataMinAge = 2 * time.Minute },
			func(t *testing.T, s engine.Settings) { require.Equal(t, 2*time.Minute, s.MetadataMaxAge) },
		},
		"read uncommitted": {
			func(c *kafka.Config) { c.Isolation = kafka.ReadUncommitted },
			func(t *testing.T, s engine.Settings) { require.True(t, s.Uncommitted) },
		},
		"brokers are completed": {
			func(c *kafka.Config) { c.Brokers = []string{"B1", "10.0.0.1:1", "[::1]", "[::2]:9093"} },
			func(t *testing.T, s engine.Settings) {
				require.Equal(t, []string{"b1:9092", "10.0.0.1:1", "[::1]:9092", "[::2]:9093"}, s.Brokers)
			},
		},
		"levels of codecs": {
			func(c *kafka.Config) { c.Compression, c.CompressionLevel = []kafka.Codec{kafka.Zstd, kafka.None}, 22 },
			func(t *testing.T, s engine.Settings) {
				require.Equal(t, []string{"zstd", "none"}, s.Compression)
				require.Equal(t, 22, s.CompressLevel)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := local()
			c.change(&config)
			s, err := resolve(t, config)
			require.NoError(t, err)
			c.check(t, s)
		})
	}
}

func TestMistakesAreRefused(t *testing.T) {
	long := strings.Repeat("x", 513)
	for want, change := range map[string]func(*kafka.Config){
		"Brokers: is empty":                               func(c *kafka.Config) { c.Brokers = nil },
		"Brokers[0]: is empty":                            func(c *kafka.Config) { c.Brokers = []string{""} },
		"Brokers[1]: begins with a scheme":                func(c *kafka.Config) { c.Brokers = append(c.Brokers, "https://b:1") },
		`Brokers[1]: "localhost:9092" is listed twice`:    func(c *kafka.Config) { c.Brokers = append(c.Brokers, "LOCALHOST") },
		"Brokers[0]: has an @":                            func(c *kafka.Config) { c.Brokers[0] = "user:hunter2@b:1" },
		"Brokers[0]: has a port that is no number":        func(c *kafka.Config) { c.Brokers[0] = "b:0" },
		"Brokers[0]: has a port":                          func(c *kafka.Config) { c.Brokers[0] = "b:65536" },
		"Brokers[0]: is not host:port; an IPv6":           func(c *kafka.Config) { c.Brokers[0] = "::1" },
		"Brokers[0]: has no host":                         func(c *kafka.Config) { c.Brokers[0] = ":9092" },
		"Brokers[0]: has a character that no address has": func(c *kafka.Config) { c.Brokers[0] = "a b" },
		"Brokers[0]: has a character":                     func(c *kafka.Config) { c.Brokers[0] = "b:9092/topic" },
		"ClientID: has 513 bytes, allowed are 200":        func(c *kafka.Config) { c.ClientID = long },
		"ClientID: has a character":                       func(c *kafka.Config) { c.ClientID = "a\nb" },
		"TxID: has 513 bytes":                             func(c *kafka.Config) { c.TxID = long },
		"Rack: has 513 bytes":                             func(c *kafka.Config) { c.Rack = long },
		`Client: "sarama" is none of franz-go, kafka-go`:  func(c *kafka.Config) { c.Client = "sarama" },
		`Acks: "2" is none of all, leader, none`:          func(c *kafka.Config) { c.Acks = "2" },
		"InFlight: 3: with idempotence it is always 5":    func(c *kafka.Config) { c.InFlight = 3 },
		"InFlight: 6: with idempotence it is always 5":    func(c *kafka.Config) { c.InFlight = 6 },
		"InFlight: 101 is out of range":                   func(c *kafka.Config) { c.InFlight, c.NoIdempotence = 101, true },
		"Linger: -1ns is out of range":                    func(c *kafka.Config) { c.Linger = -1 },
		"Linger: 1m0.000000001s is out of range":          func(c *kafka.Config) { c.Linger = time.Minute + 1 },
		"BatchBytes: 511 is out of range":                 func(c *kafka.Config) { c.BatchBytes = 511 },
		"ProduceTimeout: 99ms":                            func(c *kafka.Config) { c.ProduceTimeout = 99 * time.Millisecond },
		"TxTimeout: 16m0s is out of range":                func(c *kafka.Config) { c.TxTimeout = 16 * time.Minute },
		`Compression: "brotli" is none of none, gzip`:     func(c *kafka.Config) { c.Compression = []kafka.Codec{"brotli"} },
		`Compression: "lz4" is listed twice`:              func(c *kafka.Config) { c.Compression = []kafka.Codec{"lz4", "lz4"} },
		`Compression: nothing after "none" is ever used`:  func(c *kafka.Config) { c.Compression = []kafka.Codec{"none", "lz4"} },
		"CompressionLevel: 10 is out of range: gzip":      func(c *kafka.Config) { c.Compression, c.CompressionLevel = []kafka.Codec{kafka.Gzip}, 10 },
		"CompressionLevel: is set, and no codec":          func(c *kafka.Config) { c.Compression, c.CompressionLevel = []kafka.Codec{kafka.Snappy}, 1 },
		`Isolation: "dirty" is none of`:                   func(c *kafka.Config) { c.Isolation = "dirty" },
		"FetchMinBytes: 2048 is out of range":             func(c *kafka.Config) { c.FetchMinBytes, c.FetchMaxBytes = 2048, 1024 },
		"FetchMaxBytes: 5 is out of range":                func(c *kafka.Config) { c.FetchMaxBytes = 5 },
		"FetchMaxWait: 2m0s is out of range":              func(c *kafka.Config) { c.FetchMaxWait = 2 * time.Minute },
		"PartitionBytes: 1073741824 is out of range":      func(c *kafka.Config) { c.PartitionBytes = 1 << 30 },
		"BufferBytes: -1 is out of range":                 func(c *kafka.Config) { c.BufferBytes = -1 },
		"DecompressBytes: 2147483648 is out of range":     func(c *kafka.Config) { c.DecompressBytes = math.MaxInt32 + 1 },
		`Assignment: "range" is none of cooperative`:      func(c *kafka.Config) { c.Assignment = "range" },
		"Session: 500ms is out of range":                  func(c *kafka.Config) { c.Session = 500 * time.Millisecond },
		"Heartbeat: 2s is out of range":                   func(c *kafka.Config) { c.Session, c.Heartbeat = 3*time.Second, 2*time.Second },
		"Rebalance: 2h0m0s is out of range":               func(c *kafka.Config) { c.Rebalance = 2 * time.Hour },
		"Stuck: 1ms is out of range: allowed are 1s and":  func(c *kafka.Config) { c.Stuck = time.Millisecond },
		"RequestTimeout: 1ms is out of range":             func(c *kafka.Config) { c.RequestTimeout = time.Millisecond },
		"MetadataMinAge: 1ms is out of range":             func(c *kafka.Config) { c.MetadataMinAge = time.Millisecond },
		"MetadataMaxAge: 1s is out of range":              func(c *kafka.Config) { c.MetadataMinAge, c.MetadataMaxAge = 2*time.Second, time.Second },
		"ProbeEvery: 1ms is out of range":                 func(c *kafka.Config) { c.ProbeEvery = time.Millisecond },
		"ReadBytes: 1024 is out of range":                 func(c *kafka.Config) { c.ReadBytes = 1024 },
	} {
		t.Run(want, func(t *testing.T) {
			c := local()
			change(&c)
			_, err := resolve(t, c)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n", "there is no mistake in its wake")
			_, err = c.Simulate(1)
			require.ErrorContains(t, err, want, "the simulator is as strict")
		})
	}
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	_, err := resolve(t, kafka.Config{
		Brokers: []string{"", "kafka://b"}, Acks: "some", Linger: -1, Session: -1, Rack: "a\x00b",
		TLS:  kafka.TLS{CA: "none", CertFile: "/nonexistent/cert.pem"},
		SASL: kafka.SASL{Mechanism: kafka.Plain, TokenFile: "t"},
	})
	for _, field := range []string{
		"Brokers[0]", "Brokers[1]", "Acks", "Linger", "Session", "Rack", "TLS.CA", "TLS.CertFile", "SASL.User", "SASL.Password",
		"SASL.TokenFile",
	} {
		require.ErrorContains(t, err, "invalid: "+field+": ")
	}
}

func TestAClientIsOpenedByItsPackage(t *testing.T) {
	c := local()
	for _, c.Client = range []kafka.Client{"", kafka.FranzGo} {
		require.NotNil(t, open(t, c).Client())
	}
	for _, c.Client = range []kafka.Client{"", kafka.KafkaGo} {
		b, err := kafkago.Open(t.Context(), c)
		require.NoError(t, err)
		require.Nil(t, b.Client())
		require.NoError(t, b.Close())
	}
	for want, try := range map[string]func() error{
		"open: unsupported: Client: kafka-go is opened by kafkago.Open, and simulated by kafkago.Simulate": func() error {
			c.Client = kafka.KafkaGo
			_, err := kafka.Open(t.Context(), c)
			return err
		},
		"simulate: unsupported: Client: kafka-go is opened by kafkago.Open, and simulated by kafkago.Simulate": func() error {
			c.Client = kafka.KafkaGo
			_, err := kafka.Simulate(c, 1)
			return err
		},
		"open: unsupported: Client: franz-go is opened by kafka.Open, and simulated by kafka.Simulate": func() error {
			c.Client = kafka.FranzGo
			_, err := kafkago.Open(t.Context(), c)
			return err
		},
		"simulate: unsupported: Client: franz-go is opened by kafka.Open, and simulated by kafka.Simulate": func() error {
			c.Client = kafka.FranzGo
			_, err := kafkago.Simulate(c, 1)
			return err
		},
	} {
		err := try()
		require.ErrorIs(t, err, stream.ErrUnsupported)
		require.EqualError(t, err, want)
	}
}

func TestOpenHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := fmt.Errorf("no more")
	cancel(cause)
	_, err := kafka.OpenEngine(ctx, local(), new(recorder))
	require.ErrorIs(t, err, cause)
}
