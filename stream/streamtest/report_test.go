package streamtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// about is a verdict about one capability.
func about(name, capability string, change func(*verdict)) verdict {
	v := verdict{rule: rule{name: name, sentence: "It is so.", concerns: []string{capability}}}
	if change != nil {
		change(&v)
	}
	return v
}

func refuted(v *verdict)  { v.failures = []string{"it is not so"} }
func untried(v *verdict)  { v.untried, v.reasons = true, []string{"nobody could try"} }
func halfway(v *verdict)  { v.reasons = []string{"nobody could try the rest"} }
func absentee(v *verdict) { v.absent = []string{"it is not claimed"} }

func TestReportLetsTheWorstVerdictStand(t *testing.T) {
	for name, c := range map[string]struct {
		want     string
		verdicts []verdict
	}{
		"no rule":                   {Untried, nil},
		"proved":                    {Proved, []verdict{about("A", "Headers", nil)}},
		"one of two is refuted":     {Refuted, []verdict{about("A", "Headers", refuted), about("B", "Headers", nil)}},
		"one of two is untried":     {Partly, []verdict{about("A", "Headers", untried), about("B", "Headers", nil)}},
		"all are untried":           {Untried, []verdict{about("A", "Headers", untried)}},
		"a part is untried":         {Partly, []verdict{about("A", "Headers", nil), about("B", "Headers", halfway)}},
		"untried, and then refuted": {Refuted, []verdict{about("A", "Headers", untried), about("B", "Headers", refuted)}},
		"refused as it should be":   {Proved, []verdict{about("A", "Headers", absentee)}},
		"of something else":         {Untried, []verdict{about("A", "Tombstones", nil)}},
	} {
		t.Run(name, func(t *testing.T) {
			claims := stream.Capabilities{Headers: yes}
			for _, r := range newReport("backend", claims, c.verdicts).Capabilities {
				if r.Capability == "Headers" {
					require.Equal(t, c.want, r.Verdict)
					require.Equal(t, "native", r.Claimed)
					require.Equal(t, stream.Declared, r.Source)
					require.Equal(t, c.want == Proved, len(r.Why) == 0, "%q", r.Why)
				}
			}
		})
	}
}

func TestUnknownIsReportedAsSuch(t *testing.T) {
	unsure := func() *mutant {
		return claims(func(c *stream.Capabilities) { c.Headers = stream.Flag{Reason: "nobody knows"} })
	}
	v := try(t, mutated(memory.Kafka, unsure), true, ruleOf(t, capability+"Headers"))
	require.Empty(t, v.failures)
	require.True(t, v.untried)
	report := newReport("backend", stream.Capabilities{}, []verdict{v})
	for _, c := range report.Capabilities {
		if c.Capability == "Headers" {
			require.Equal(t, Unclear, c.Verdict)
		}
	}
	require.Equal(t, Untried, report.Rules[0].Verdict)
}

func TestReportIsWrittenAsJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports", "memory.json")
	report := newReport("memory", stream.Capabilities{Headers: yes}, []verdict{about("A", "Headers", halfway)})
	require.NoError(t, report.write(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var read Report
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, report, read)
	require.NoError(t, Report{}.write(""), "no file is asked for")
	t.Setenv("STREAMTEST_REPORT", "folder")
	require.Equal(t, filepath.Join("folder", "TestMemory_kafka.json"), reportFile("", "TestMemory/kafka"))
	require.Equal(t, "asked", reportFile("asked", "TestMemory"))
}

func TestSameTellsDifferencesAndFlattery(t *testing.T) {
	ask := func(answers ...answer) verdict { return verdict{rule: rule{name: "Rule"}, answers: answers} }
	service := ask(answer{"a", "accepted"}, answer{"b", "unsupported"}, answer{"c", "x"}, answer{"c", "y"})
	double := ask(answer{"a", "accepted"}, answer{"b", "accepted"}, answer{"c", "y"}, answer{"c", "x"}, answer{"d", "z"})
	have := differences(service, double)
	require.Equal(t, []Difference{
		{Rule: "Rule", Question: "b", Real: "unsupported", Double: "accepted"},
		{Rule: "Rule", Question: "c", Real: "x, then y", Double: "y, then x"},
		{Rule: "Rule", Question: "d", Double: "z"},
	}, have)
	require.Contains(t, have[0].String(), "the double succeeds where the service fails")
	require.Empty(t, differences(service, service))
	require.NotEmpty(t, differences(ask(), about("Rule", "Headers", refuted)), "whether the rule holds is an answer")
	require.Empty(t, differences(ask(), about("Rule", "Headers", untried)), "what could not be tried has no answer")
}
