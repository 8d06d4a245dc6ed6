package kafka_test

import (
	"cmp"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
)

// A library is the client library through which a test opens Kafka; the empty one is the default.
type library string

const (
	franzGo library = ""
	kafkaGo library = "kafka-go"
)

// inEach runs a test through each library.
func inEach(t *testing.T, test func(t *testing.T, l library)) {
	t.Helper()
	for _, l := range []library{franzGo, kafkaGo} {
		t.Run(l.name(), func(t *testing.T) { test(t, l) })
	}
}

func (l library) name() string { return cmp.Or(string(l), "franz-go") }

// prefix stands before names of what is kept of the library.
func (l library) prefix() string {
	if l == franzGo {
		return ""
	}
	return strings.ReplaceAll(string(l), "-", "") + "-"
}

func (l library) open(ctx context.Context, c kafka.Config) (*kafka.Backend, error) {
	if l == kafkaGo {
		return kafkago.Open(ctx, c)
	}
	return kafka.Open(ctx, c)
}

// opened opens c; it is closed when the test is over, if it is not closed before.
func (l library) opened(t testing.TB, c kafka.Config) *kafka.Backend {
	t.Helper()
	b, err := l.open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// strict is opened, and requires that the backend closes without an error.
func (l library) strict(t *testing.T, c kafka.Config) *kafka.Backend {
	t.Helper()
	b, err := l.open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}
