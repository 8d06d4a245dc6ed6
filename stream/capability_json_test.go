package stream_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestCapabilitiesJSONRoundTrip(t *testing.T) {
	unlimited := stream.Capabilities{Retention: stream.Retention{Unlimited: true, Bytes: 1 << 40, Source: stream.Assumed}}
	odd := stream.Capabilities{
		Headers:       stream.Flag{Support: stream.Native, Source: "a later origin", Reason: `"quotes" <&> ü and a` + "\n"},
		MaxStateBytes: stream.Limit{Value: -1, Source: stream.Declared},
		Retention:     stream.Retention{Current: 1, Max: 1<<63 - 1},
	}
	for _, c := range []stream.Capabilities{{}, kafka(), kinesis(), unlimited, odd} {
		text, err := json.Marshal(c)
		require.NoError(t, err)
		var back stream.Capabilities
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, c, back)
		again, err := json.Marshal(&back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	}
}

// The JSON form may be stored: a test that fails here tells that stored capabilities are no longer read.
func TestCapabilitiesJSONIsStable(t *testing.T) {
	text, err := json.MarshalIndent(kinesis(), "", "  ")
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(text, &keys))
	require.Len(t, keys, reflect.TypeFor[stream.Capabilities]().NumField())
	require.Equal(t, map[string]any{"support": "emulated", "source": "declared", "reason": "one record of a key at a time"},
		keys["key_order"])
	require.Equal(t, map[string]any{"value": 1000.0, "hard": true, "source": "assumed", "reason": "of a shard"},
		keys["partition_write_records"])
	require.Equal(t, map[string]any{"current": "24h0m0s", "max": "8760h0m0s", "unlimited": false, "bytes": 0.0,
		"source": "discovered", "reason": "IncreaseStreamRetentionPeriod raises it"}, keys["retention"])
	require.Equal(t, 4.0, keys["partitions"])
}

func TestCapabilitiesJSONIgnoresWhatIsNewer(t *testing.T) {
	c := stream.Capabilities{Partitions: 3}
	text := `{"teleportation":{"support":"native"},"headers":{"support":"native","cost":1},"Partitions":9}`
	require.NoError(t, json.Unmarshal([]byte(text), &c))
	require.Equal(t, stream.Capabilities{Partitions: 3, Headers: stream.Flag{Support: stream.Native}}, c)
}

func TestCapabilitiesJSONRefusesWhatCannotBe(t *testing.T) {
	for _, text := range []string{
		`[]`, `{"headers":1}`, `{"headers":{"support":"some"}}`, `{"headers":{"support":3}}`, `{"partitions":-1}`,
		`{"partitions":1.5}`, `{"retention":{"current":"a day"}}`, `{"retention":{"max":"-1h"}}`, `{"retention":{"bytes":-1}}`,
		`{"retention":{"current":3600}}`, `{"max_record_bytes":{"value":"1 MiB"}}`,
	} {
		c := stream.Capabilities{Partitions: 3, Retention: stream.Retention{Current: time.Hour}}
		before := c
		err := json.Unmarshal([]byte(text), &c)
		require.ErrorIs(t, err, stream.ErrInvalid, text)
		require.Equal(t, before, c, text)
	}
	_, err := json.Marshal(stream.Capabilities{Headers: stream.Flag{Support: 9}})
	require.ErrorIs(t, err, stream.ErrInvalid)
}

func TestSupportTextForms(t *testing.T) {
	for want, name := range []string{"unknown", "none", "emulated", "native"} {
		var s stream.Support
		require.NoError(t, s.UnmarshalText([]byte(name)))
		require.Equal(t, stream.Support(want), s)
		require.Equal(t, name, s.String())
	}
}

func FuzzCapabilitiesJSON(f *testing.F) {
	for _, c := range []stream.Capabilities{{}, kafka(), kinesis()} {
		text, err := json.Marshal(c)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"retention":{"current":"1h","unlimited":true,"bytes":-1},"partitions":9223372036854775807}`))
	f.Add([]byte(`{"max_state_bytes":{"value":-9223372036854775808,"hard":true}}`))
	f.Add([]byte(`{"headers":null,"retention":null,"new":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c stream.Capabilities
		if json.Unmarshal(text, &c) != nil {
			require.Equal(t, stream.Capabilities{}, c)
			return
		}
		written, err := json.Marshal(c)
		require.NoError(t, err)
		var back stream.Capabilities
		require.NoError(t, json.Unmarshal(written, &back))
		require.Equal(t, c, back)

		require.NotEmpty(t, c.String())
		require.Empty(t, stream.Diff(c, back))
		stream.Diff(stream.Capabilities{}, c)
		if err := c.Missing(everything(t)); err != nil {
			require.ErrorIs(t, err, stream.ErrUnsupported)
		}
	})
}
