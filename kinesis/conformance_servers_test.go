//go:build servers

package kinesis_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestEmulator proves the adapter against the contract on emulators in processes of their own, as it is configured by
// default.
func TestEmulator(t *testing.T) { prove(t, "plain") }

// prove runs the suite in one mode and compares its report. What is tried with much data or many requests has an emulator of
// its own: each has one thread, on which everything else would wait.
func prove(t *testing.T, mode string) {
	t.Helper()
	e := startEmulators(t)
	busy := e.beside(t)
	change := changeOf(mode)
	now := conformance{Service: emulated, Mode: mode}
	file := filepath.Join(t.TempDir(), "report.json")
	streamtest.Run(t, func(t testing.TB) streamtest.Harness {
		on := e
		if strings.Contains(t.Name(), "/Capabilities.") {
			on = busy
		}
		h := on.harness(t, change)
		h.Report = file
		return h
	})
	if t.Failed() {
		return
	}
	read(t, file, &now.Report)
	now.compare(t, filepath.Join("testdata", "conformance", "emulator-"+mode+".json"))
}

// changeOf is what a mode changes.
func changeOf(mode string) func(*kinesis.Config) {
	for _, m := range modes {
		if m.name == mode {
			return m.change
		}
	}
	panic("there is no mode " + mode)
}
