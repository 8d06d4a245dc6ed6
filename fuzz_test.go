package streamport_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

func FuzzOpen(f *testing.F) {
	for _, url := range []string{
		"memory:", "memory://?profile=kafka&seed=7&streams=quakes:4", "memory:?streams=a:1,b&partitions=3&session=1m", "memory://u:p@h",
		"memory:?seed=1&seed=2", "memory:?faults.crash=0.5&faults.max_delay=1ms", "memory:?%zz", "kafka://a:1,b:2", "", "memory:#",
		"kafka://b1:9093,[::1]:9093?tls.ca=x&sasl.mechanism=PLAIN&sasl.user=u&sasl.password=${NONE}", "kafka://b?acks=1&linger=5ms",
		"kafka://b?sasl.extensions.a=b&compression=zstd,none&stuck=forever&batch_bytes=1MiB", "kafka://b/t", "kafka:?brokers=a,a",
		"memory:?profile=${NONE}", "memory:?tags=true&profile=kinesis", "memory:?replay=true",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		b, err := streamport.Open(context.Background(), url)
		if err == nil {
			require.NoError(t, b.Close())
			require.NotContains(t, url, "@")
			return
		}
		require.ErrorIs(t, err, stream.ErrInvalid)
		require.Nil(t, b)
		if user, _, ok := strings.Cut(url, "@"); ok && len(user) > 20 {
			require.NotContains(t, err.Error(), user)
		}
	})
}

func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		whole, "backend: memory", `{"backend":"memory","memory":{"seed":1}}`, "backend: memory\nmemory: {profil: kafka, tags: true}",
		"backend: memory\nmemory:\n  streams: [a:1, a:2]", "memory: &m {faults: *m}", "backend: ${B:-memory}", "backend: [memory]",
		"backend: kafka\nkafka: {brokers: [a, 'b:1'], acks: all, tls: {enabled: true}, sasl: {mechanism: PLAIN, user: u, password: x}}",
		"backend: memory\nmemory: {streams: [{name: a, compacted: true, retention: 2d}]}", "backend: memory\nbackend: memory",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c streamport.Config
		for _, err := range []error{c.UnmarshalJSON(data), yaml.Unmarshal(data, &c)} {
			if err != nil {
				continue
			}
			text, err := json.Marshal(c)
			require.NoError(t, err)
			if strings.Contains(string(text), `"***"`) {
				continue // a secret is not written
			}
			var again streamport.Config
			if c.Backend == "" {
				continue // an empty document leaves the zero Config
			}
			require.NoError(t, json.Unmarshal(text, &again), string(text))
			require.Equal(t, c, again)
		}
	})
}
