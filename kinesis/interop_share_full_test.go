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

// The same in a table that Java makes, with members of this library in processes of their own that are killed, and with
// shards that are split and merged.
func TestInteropInJavasTable(t *testing.T) {
	for name, c := range map[string]testenv.KCLConfig{
		"version 2": {Version: testenv.KCL2}, "phase 1": {Version: testenv.KCL3, Mode: testenv.KCLPhase1},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInterop(t, 4)
			f := i.feed(t)
			c.Worker, c.Slow = "java-1", handling
			java := i.javaJoins(t, c)
			i.reads(t, "java-1", 4)
			soiled := i.soil(t)
			first := i.goStarts(t, "go-1")
			i.reads(t, "go-1", 1)
			parent := i.held(t, "go-1")
			i.split(t, parent)
			i.childrenAreRead(t, 2)
			i.merge(t, parent)
			i.childrenAreRead(t, 3)
			i.split(t, i.held(t, "java-1"))
			i.reads(t, "go-1", 1)

			first.kill()
			i.takesOver(t, "java-1", "go-1")
			second := i.goStarts(t, "go-2")
			i.reads(t, "go-2", 1)
			java.die(t)
			left := i.items(t)
			i.takesOver(t, "go-2", "java-1")
			i.requireWhole(t, f)
			second.kill()
			java.requireSound(t)
			i.requireLeases(t, soiled)
			i.requireForeign(t, left, c)
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
