package kafka_test

import (
	"cmp"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestFake proves the adapter against the contract on fake brokers. With the tag synctests it does so in bubbles, for
// every way of sharing and several versions of Kafka; without it in real time, for the newest.
func TestFake(t *testing.T) {
	for _, c := range []fakeCell{
		{sharing: kafka.Cooperative, always: true},
		{sharing: kafka.Eager},
		{sharing: kafka.Server},
		{sharing: kafka.Cooperative, version: "3.8.0"},
		{sharing: kafka.Eager, version: "3.5.0"},
		{sharing: kafka.Cooperative, version: "2.8.0"},
		{library: kafkaGo, sharing: kafka.Eager},
		{library: kafkaGo, sharing: kafka.Eager, version: "3.5.0"},
		{library: kafkaGo, sharing: kafka.Eager, version: "2.8.0"},
	} {
		if !bubbles && !c.always {
			continue
		}
		t.Run(c.name(), c.conforms)
	}
}

// A fakeCell is a way of using fake brokers.
type fakeCell struct {
	library library
	sharing kafka.Assignment
	version string // of Kafka; empty: the newest
	always  bool
}

func (c fakeCell) name() string {
	return c.library.prefix() + string(c.sharing) + "-" + cmp.Or(c.version, "newest")
}

// conforms runs the suite and, where all of it can be tried, compares its report with the one that is checked in.
func (c fakeCell) conforms(t *testing.T) {
	now := conformance{Client: string(c.library), Nodes: 1, Assignment: string(c.sharing)}
	file := filepath.Join(t.TempDir(), "report.json")
	version := kversion.FromString(c.version) // nil for the newest
	streamtest.Run(t, func(t testing.TB) streamtest.Harness {
		h := fakeHarness(t, c.library, version, c.sharing)
		h.Report = file
		return h
	})
	if t.Failed() || !bubbles {
		return
	}
	read(t, file, &now.Report)
	now.Kafka = "franz-go's fake broker with the requests of " + cmp.Or(c.version, "newest")
	now.compare(t, filepath.Join("testdata", "conformance", "kfake-"+c.name()+".json"))
}

// What brokers are too old for is refused when it is asked for, and the flags say so before.
func TestFakeOldBrokers(t *testing.T) {
	open := func(version *kversion.Versions, sharing kafka.Assignment) *kafka.Backend {
		s := serve(t, version)
		require.NoError(t, s.CreateTopic("orders", 1, nil))
		return franzGo.opened(t, s.config(sharing))
	}
	b := open(kversion.V3_8_0(), kafka.Server)
	_, err := b.OpenSource(t.Context(), stream.SourceConfig{Group: "g", Member: "m", Streams: []string{"orders"}})
	require.ErrorIs(t, err, stream.ErrUnsupported, "coordinators share since 4.0")

	b = open(kversion.V0_10_2(), kafka.Cooperative)
	c, err := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, stream.None, c.IdempotentProduce.Support, c)
	require.Equal(t, stream.None, c.Transactions.Support, c)
	_, err = stream.NewProducer(t.Context(), b, stream.ProducerConfig{
		Streams: []string{"orders"}, Require: stream.Requirements{Transactions: stream.Native},
	})
	require.ErrorIs(t, err, stream.ErrUnsupported)
}
