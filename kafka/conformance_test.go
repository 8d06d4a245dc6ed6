package kafka_test

import (
	"path/filepath"
	"strings"
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
	for _, c := range []struct {
		name    string
		version *kversion.Versions // nil: the newest
		sharing kafka.Assignment
		always  bool
	}{
		{name: "cooperative-newest", sharing: kafka.Cooperative, always: true},
		{name: "eager-newest", sharing: kafka.Eager},
		{name: "server-newest", sharing: kafka.Server},
		{name: "cooperative-3.8.0", version: kversion.V3_8_0(), sharing: kafka.Cooperative},
		{name: "eager-3.5.0", version: kversion.V3_5_0(), sharing: kafka.Eager},
		{name: "cooperative-2.8.0", version: kversion.V2_8_0(), sharing: kafka.Cooperative},
	} {
		if !bubbles && !c.always {
			continue
		}
		t.Run(c.name, func(t *testing.T) { fakeConforms(t, c.name, c.version, c.sharing) })
	}
}

// fakeConforms runs the suite and, where all of it can be tried, compares its report with the one that is checked in.
func fakeConforms(t *testing.T, name string, version *kversion.Versions, sharing kafka.Assignment) {
	now := conformance{Nodes: 1, Assignment: string(sharing)}
	file := filepath.Join(t.TempDir(), "report.json")
	streamtest.Run(t, func(t testing.TB) streamtest.Harness {
		h := fakeHarness(t, version, sharing)
		h.Report = file
		return h
	})
	if t.Failed() || !bubbles {
		return
	}
	read(t, file, &now.Report)
	_, as, _ := strings.Cut(name, "-")
	now.Kafka = "franz-go's fake broker with the requests of " + as
	now.compare(t, filepath.Join("testdata", "conformance", "kfake-"+name+".json"))
}

// What brokers are too old for is refused when it is asked for, and the flags say so before.
func TestFakeOldBrokers(t *testing.T) {
	open := func(version *kversion.Versions, sharing kafka.Assignment) *kafka.Backend {
		s := serve(t, version)
		require.NoError(t, s.CreateTopic("orders", 1, nil))
		return openConfig(t, s.config(sharing))
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
