//go:build servers

package field

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
)

// coordinatorVariable turns a test of this binary into the coordinator that TestAllEndWithTheCoordinator kills.
const coordinatorVariable = "STREAMPORT_FIELD_COORDINATOR"

func TestAllEndWithTheCoordinator(t *testing.T) {
	if os.Getenv(coordinatorVariable) != "" {
		_, err := Exactly{
			Version: testenv.DefaultVersion, Sharing: kafka.Cooperative, Inputs: 1 << 40, Kills: 1 << 40, Log: os.Stdout,
		}.Run(t.Context())
		t.Fatal("it was not killed", err)
	}
	coordinator := exec.Command(os.Args[0], "-test.run=^TestAllEndWithTheCoordinator$", "-test.timeout=2m")
	coordinator.Env = append(os.Environ(), coordinatorVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := coordinator.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, coordinator.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), killedWorker) { // a worker that took another's place is there, too
		continue
	}
	children := childrenOf(t, coordinator.Process.Pid)
	require.NoError(t, coordinator.Process.Kill())
	require.Error(t, coordinator.Wait())
	require.GreaterOrEqual(t, len(children), 4, "a worker and a broker may be down at the same time")
	for _, pid := range children {
		require.Eventually(t, func() bool { return hasEnded(pid) }, 10*time.Second, 10*time.Millisecond)
	}
}

// childrenOf are the ids of the processes that a process has started and that run.
func childrenOf(t *testing.T, parent int) []string {
	paths, err := filepath.Glob("/proc/[0-9]*/status")
	require.NoError(t, err)
	var pids []string
	for _, path := range paths {
		pid := filepath.Base(filepath.Dir(path))
		status, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", parent)) && !hasEnded(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hasEnded reports whether a process has ended, be it that nobody has asked how.
func hasEnded(pid string) bool {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	return err != nil || strings.Contains(string(status), "State:\tZ")
}
