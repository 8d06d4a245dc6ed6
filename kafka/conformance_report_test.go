package kafka_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream/streamtest"
)

var update = flag.Bool("update", false, "write anew what is found out about brokers: capabilities and reports of conformance")

// A conformance is a report as it is checked in.
type conformance struct {
	Client     string            `json:"client,omitempty"` // library; empty: the default one
	Kafka      string            `json:"kafka"`            // the brokers' version
	Nodes      int               `json:"nodes"`
	Assignment string            `json:"assignment"`
	Report     streamtest.Report `json:"report"`
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
