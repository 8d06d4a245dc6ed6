package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka"
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
		t.Run(c.name, func(t *testing.T) {
			streamtest.Run(t, func(t testing.TB) streamtest.Harness { return fakeHarness(t, c.version, c.sharing) })
		})
	}
}
