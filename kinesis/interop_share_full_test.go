//go:build servers && full

package kinesis_test

import (
	"testing"

	"github.com/streamport-go/streamport/internal/testenv"
)

// The same with the library's third version in both modes in which it shares leases as the second does.
func TestInteropWithKCL3(t *testing.T) {
	for name, mode := range map[string]string{"phase 1": testenv.KCLPhase1, "compatible": testenv.KCLCompatible} {
		t.Run(name, func(t *testing.T) {
			share(t, testenv.KCLConfig{Version: testenv.KCL3, Mode: mode, Slow: handling})
		})
	}
}

func TestInteropKCL3Reads(t *testing.T) {
	readBy(t, testenv.KCLConfig{Version: testenv.KCL3, Mode: testenv.KCLPhase1},
		testenv.KCLConfig{Version: testenv.KCL3, Mode: testenv.KCLCompatible})
}

func TestInteropKCL3GoesOnInsideAnAggregate(t *testing.T) {
	for name, mode := range map[string]string{"phase 1": testenv.KCLPhase1, "compatible": testenv.KCLCompatible} {
		t.Run(name, func(t *testing.T) { resume(t, testenv.KCLConfig{Version: testenv.KCL3, Mode: mode}) })
	}
}
