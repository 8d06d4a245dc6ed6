package kinesis_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// What the adapter finds out of a stream of the fake service, which answers as the documentation says, stands in testdata,
// from where the README's table has it: a provisioned stream of four shards.
func TestCapabilitiesAreThoseOfTheReadme(t *testing.T) {
	for name, change := range map[string]func(*kinesis.Config){
		"plain":   func(*kinesis.Config) {},
		"fan-out": func(c *kinesis.Config) { c.FanOut, c.Tags, c.Aggregation = "{group}", true, kinesis.SameKey },
	} {
		t.Run(name, func(t *testing.T) {
			var found stream.Capabilities
			synctest.Test(t, func(t *testing.T) {
				c := kinesis.Config{ // as for the service itself: no endpoint is set
					Region: region, HTTP: serve(1).wires, Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
				}
				change(&c)
				b := openConfig(t, c)
				require.NoError(t, stream.EnsureStream(t.Context(), b, stream.StreamConfig{Name: "example", Partitions: 4}))
				var err error
				found, err = b.Capabilities(t.Context(), "example")
				require.NoError(t, err)
				require.NoError(t, b.Close())
			})
			file := filepath.Join("testdata", "capabilities", name+".json")
			text, err := json.MarshalIndent(found, "", "  ")
			require.NoError(t, err)
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(text), "run the test with -update, and internal/captable/main -write README.md")
		})
	}
}
