//go:build servers && full

package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/streamport-go/streamport/kafka"
)

// alterTopic sets one property of a topic.
func alterTopic(t *testing.T, b *kafka.Backend, topic, name, value string) {
	t.Helper()
	answers, err := kadm.NewClient(b.Client()).AlterTopicConfigs(t.Context(),
		[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	require.NoError(t, err)
	for _, a := range answers {
		require.NoError(t, a.Err)
	}
}
