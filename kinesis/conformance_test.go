package kinesis_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream/streamtest"
)

var update = flag.Bool("update", false, "write anew what is found out about services: capabilities and reports of conformance")

// modes are the configurations that the suite runs with. Static is not among them: the suite's consumers share.
var modes = []struct {
	name   string
	change func(*kinesis.Config)
}{
	{"plain", func(*kinesis.Config) {}},
	{"tags", func(c *kinesis.Config) { c.Tags, c.Aggregation = true, kinesis.SameKey }},
	{"strict", func(c *kinesis.Config) { c.Mode = kinesis.Strict }},
	{"unordered", func(c *kinesis.Config) {
		c.Mode, c.Aggregation, c.Tags = kinesis.Unordered, kinesis.ByShard, true
	}},
	{"fan-out", func(c *kinesis.Config) { c.FanOut = "us-{group}" }},
	{"cbor", func(c *kinesis.Config) { c.CBOR = true }},
	{"shared", func(c *kinesis.Config) { c.Shared = true }},
}

// TestFake proves the adapter against the contract on the fake services, in bubbles, in every mode; only in the first two of
// them where the race detector makes it slow, or -short asks for less.
func TestFake(t *testing.T) {
	few := raced || testing.Short()
	for i, m := range modes {
		if few && i >= 2 {
			break
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			now := conformance{Service: "the fake service of internal/fakekinesis", Mode: m.name}
			file := filepath.Join(t.TempDir(), "report.json")
			streamtest.Run(t, func(t testing.TB) streamtest.Harness {
				h := fakeHarness(t, m.change)
				h.Report = file
				return h
			})
			if t.Failed() {
				return
			}
			read(t, file, &now.Report)
			now.compare(t, filepath.Join("testdata", "conformance", "fake-"+m.name+".json"))
		})
	}
}

// A conformance is a report as it is checked in.
type conformance struct {
	Service string            `json:"service"` // what answered, with its version
	Mode    string            `json:"mode"`
	Report  streamtest.Report `json:"report"`
}

// compare fails where a verdict is worse than in a file, or writes the file anew if -update is given.
func (c conformance) compare(t *testing.T, file string) {
	t.Helper()
	if *update {
		text, err := json.MarshalIndent(c, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
		return
	}
	var before conformance
	read(t, file, &before)
	for _, rule := range c.Report.Rules {
		i := slices.IndexFunc(before.Report.Rules, func(r streamtest.RuleReport) bool { return r.Rule == rule.Rule })
		if i < 0 {
			t.Errorf("%s is not in %s: run the test with -update", rule.Rule, file)
			continue
		}
		if was := before.Report.Rules[i]; worth(rule.Verdict) < worth(was.Verdict) {
			t.Errorf("%s was %s and is %s: %s", rule.Rule, was.Verdict, rule.Verdict, strings.Join(rule.Why, "; "))
		}
	}
}

// worth orders verdicts, the better one higher. Nothing is better than to be proved, or absent and refused.
func worth(verdict string) int {
	worse := []string{streamtest.Refuted, streamtest.Unclear, streamtest.Untried, streamtest.Partly}
	if i := slices.Index(worse, verdict); i >= 0 {
		return i
	}
	return len(worse)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}
