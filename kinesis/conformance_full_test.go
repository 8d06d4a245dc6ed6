//go:build servers && full

package kinesis_test

import (
	"testing"

	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestEmulatorModes is TestEmulator in the modes that are not the default.
func TestEmulatorModes(t *testing.T) {
	for _, m := range modes {
		if m.name != "plain" {
			t.Run(m.name, func(t *testing.T) { prove(t, m.name) })
		}
	}
}

// TestSameOnEmulator compares the adapter on emulators with the adapter on the fake services, where the emulators follow
// the documentation.
func TestSameOnEmulator(t *testing.T) {
	e := startEmulators(t)
	streamtest.Same(t, func(t testing.TB) streamtest.Harness { return e.harness(t, changeOf("plain")) }, plainFake)
}
