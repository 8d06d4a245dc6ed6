package streamtest

import (
	"os"
	"path/filepath"
	"strings"
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
	var verdicts []verdict
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			v := try(t, open, static.Bubble, r)
			verdicts = append(verdicts, v)
			if len(v.failures) > 0 {
				t.Error(v.text())
			}
			for _, reason := range v.reasons {
				t.Logf("could not be tried here: %s", reason)
			}
		})
	}
	report := newReport(t.Name(), claimed(t, open, static.Bubble), verdicts)
	t.Log(report)
	if err := report.write(reportFile(static.Report, t.Name())); err != nil {
		t.Error(err)
	}
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
