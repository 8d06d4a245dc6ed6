package check_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/history"
)

// Kinds of examples: every code has at least one of each.
const (
	breaks = "breaks" // the promise, and the code is found
	keeps  = "keeps"  // it
	edge   = "edge"   // looks like the one and is the other
)

// An example is a short history and the codes that are found in it.
type example struct {
	code, kind, name string
	level            check.Level
	script           string
	want             string // the codes, in order; "" means none
}

// Levels of the examples.
var (
	strict = check.Level{KeyOrder: true, Idempotent: true, Fencing: true, Window: 1}
	loose  = check.Level{KeyOrder: true, Fencing: true, Window: 1} // records may be stored twice
	once   = check.Level{KeyOrder: true, Idempotent: true, Fencing: true, EOS: true, Window: 1}
	most   = check.Level{AtMostOnce: true, KeyOrder: true, Idempotent: true, Fencing: true}
	quiet  = check.Level{KeyOrder: true, Idempotent: true, Fencing: true, Quiet: true, Window: 1}
	byKey  = check.Level{KeyOrder: true, Idempotent: true, Fencing: true, AnyOrder: true, Window: 1}
	open   = check.Level{KeyOrder: true, Idempotent: true, Window: 1} // who has lost a partition may still save
	grows  = check.Level{KeyOrder: true, Idempotent: true, Fencing: true, Grows: true, Window: 1}
	none   = check.Level{Fencing: true, Idempotent: true, Window: 1} // keys have no order
)

func examples() []example {
	return slices.Concat(
		logExamples, transactionExamples, groupExamples, lineageExamples, checkpointExamples, duplicateExamples,
		livenessExamples,
	)
}

func TestExamples(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.code+"/"+e.kind+"/"+strings.ReplaceAll(e.name, " ", "_"), func(t *testing.T) {
			report := check.Check(parse(e.script), e.level)
			require.Equal(t, strings.Fields(e.want), append([]string{}, report.Codes()...), "%v", report.Err())
			require.Equal(t, e.kind == breaks || e.kind == edge && e.want != "", report.Err() != nil)
			if e.kind == breaks {
				require.Contains(t, report.Codes(), e.code)
			}
			if e.kind == keeps {
				require.NotContains(t, report.Codes(), e.code)
			}
		})
	}
}

// TestEveryCodeHasItsExamples compares the table in doc.go with the examples.
func TestEveryCodeHasItsExamples(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var told []string
	for _, row := range regexp.MustCompile(`(?m)^//\t([PCKDLX][0-9]+) {2,}`).FindAllStringSubmatch(string(doc), -1) {
		told = append(told, row[1])
	}
	require.Len(t, told, 11+9+6+5+4+3)
	kinds := map[string]map[string]int{}
	for _, e := range examples() {
		if kinds[e.code] == nil {
			kinds[e.code] = map[string]int{}
		}
		kinds[e.code][e.kind]++
		require.Contains(t, told, e.code, "an example of a code that doc.go does not list")
	}
	for _, code := range told {
		for _, kind := range []string{breaks, keeps, edge} {
			require.NotZero(t, kinds[code][kind], "%s has no example that %s", code, kind)
		}
	}
}

// TestEveryCodeIsInTheTable finds the codes in the source.
func TestEveryCodeIsInTheTable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		source, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		for _, code := range regexp.MustCompile(`"([PCKDLX][0-9]+)"`).FindAllStringSubmatch(string(source), -1) {
			require.Regexp(t, `(?m)^//\t`+code[1]+` {2,}`, string(doc))
		}
	}
}

func TestManyAnomaliesOfOneCodeAreCutShort(t *testing.T) {
	var s []string
	for range 150 {
		s = append(s, "escape err=panic")
	}
	report := check.Check(parse(steps(s...)), strict)
	require.Len(t, report.Anomalies, 100)
	require.ErrorContains(t, report.Err(), "100 anomalies")
	require.Equal(t, []string{"X2"}, report.Codes())
}

func TestStatsCountWhatWasThereToJudge(t *testing.T) {
	report := check.Check(parse(`log 0 a1 a2; take h1 0; do h1 0@1; save h1 0@1; lost h1 0;
		take h2 0@1; do h2 0@2; refused h1 0@2 err=lost;
		new 1 >0; save h2 0@2; left 0@2`), strict)
	require.NoError(t, report.Err())
	stats := report.Stats
	require.NotZero(t, stats.Ops)
	stats.Ops = 0
	require.Equal(t, check.Stats{Produced: 2, Delivered: 2, Takeovers: 1, Reshards: 1, Checkpoints: 2, Fenced: 1}, stats)
}

func TestNothingIsWrongWithNothing(t *testing.T) {
	require.NoError(t, check.Check(nil, check.Level{DrainIn: time.Second}).Err())
}

// FuzzCheck judges histories of any kind at every level of the examples.
func FuzzCheck(f *testing.F) {
	levels := []check.Level{strict, loose, once, most, quiet, byKey, open, grows, none}
	for _, e := range examples() {
		var b bytes.Buffer
		require.NoError(f, history.Write(&b, parse(e.script)))
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ops, err := history.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, level := range levels {
			first := check.Check(ops, level)
			require.Equal(t, first, check.Check(ops, level), "the same history is judged the same")
		}
	})
}
