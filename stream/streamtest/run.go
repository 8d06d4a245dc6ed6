package streamtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Run proves a backend against the contract: one subtest for each rule and for each capability. Open opens the backend
// anew for each of them; it ends the test by t.Fatal if it cannot, and need not close anything.
//
// The report of what was proved is logged and, if Harness.Report names a file, or the environment variable
// STREAMTEST_REPORT a folder, written there as JSON.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	t.Helper()
	static := look(t, open)
	all := rules()
	verdicts := make([]verdict, len(all)) // those of rules that -run has left out have no rule
	each(len(all), static.Parallel, func(i int) {
		t.Run(all[i].name, func(t *testing.T) {
			v := try(t, open, static.Bubble, all[i])
			verdicts[i] = v
			if len(v.failures) > 0 {
				t.Error(v.text())
			}
			for _, reason := range v.reasons {
				t.Logf("could not be tried here: %s", reason)
			}
		})
	})
	verdicts = slices.DeleteFunc(verdicts, func(v verdict) bool { return v.rule.run == nil })
	report := newReport(t.Name(), claimed(t, open, static.Bubble), verdicts)
	t.Log(report)
	if err := report.write(reportFile(static.Report, t.Name())); err != nil {
		t.Error(err)
	}
}

// each calls f with the numbers from 0 to n-1 in their order, at most so many (at least one) at a time.
func each(n, parallel int, f func(int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(parallel, 1) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f(int(i - 1))
			}
		})
	}
	wg.Wait()
}

// look opens the backend once, to see what the harness is like.
func look(t *testing.T, open func(testing.TB) Harness) Harness {
	t.Helper()
	h := open(t)
	if h.Backend == nil {
		t.Fatal("the harness has no backend")
	}
	if err := h.Backend.Close(); err != nil {
		t.Fatalf("the backend does not close: %v", err)
	}
	return h
}

// reportFile is where the report goes; empty: nowhere.
func reportFile(asked, name string) string {
	folder := os.Getenv("STREAMTEST_REPORT")
	if asked != "" || folder == "" {
		return asked
	}
	return filepath.Join(folder, strings.ReplaceAll(name, "/", "_")+".json")
}
