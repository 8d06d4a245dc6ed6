//go:build servers

package testenv_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

// parentVariable turns a test of this binary into the parent that TestBrokersEndWithTheirParent kills.
const parentVariable = "STREAMPORT_TESTENV_PARENT"

func TestBrokersEndWithTheirParent(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		c := testenv.Run(t, testenv.Config{Nodes: 3})
		fmt.Println("pids", c.Pid(1), c.Pid(2), c.Pid(3))
		select {} // until it is killed
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestBrokersEndWithTheirParent$", "-test.timeout=2m")
	parent.Env = append(os.Environ(), parentVariable+"=1", "TMPDIR="+t.TempDir())
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	var pids []string
	for lines := bufio.NewScanner(out); pids == nil && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "pids "); ok {
			pids = strings.Fields(rest)
		}
	}
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	require.Len(t, pids, 3)
	for _, pid := range pids {
		require.NotEqual(t, "0", pid)
		require.Eventually(t, func() bool { return gone(pid) }, 10*time.Second, 10*time.Millisecond)
	}
}

// gone is whether a process has ended, be it that nobody has asked how.
func gone(pid string) bool {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	return err != nil || strings.Contains(string(status), "State:\tZ")
}
