//go:build mutants

package lease_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutants runs broken variants of the package, each against the test that must reject it, which passes without.
func TestMutants(t *testing.T) {
	for name, by := range map[string]string{
		"the counter is no fence":                          "TestZombieWriteIsRefused",
		"an expired lease goes on":                         "TestCutOff",
		"leases are given back without a condition":        "TestReleaseAfterAnUnseenTake",
		"a take does not look at expiry":                   "TestFleetEndsEven",
		"a stolen lease is used at once":                   "TestPlainTake",
		"nobody is asked before a lease is taken":          "TestHandOver",
		"an unknown outcome is a success":                  "TestLostAnswers",
		"a row is granted again while its handler goes on": "TestNextWaitsForRelease",
		"a difference of one is turned round":              "TestFleetEndsEven",
		"what may be written is not written":               "TestLostAnswerBeforeALoss",
		"a row that is not ready is handed on":             "TestRandomRuns",
		"what was handed over is held whatever it is":      "TestHandOverOfWhatHasEnded",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, alone(t, by, ""))
			require.Error(t, alone(t, by, name), "%s does not see it", by)
		})
	}
}

// alone runs one test of this binary in a process of its own.
func alone(t *testing.T, test, mutant string) error {
	args := []string{"-test.run", "^" + test + "$", "-test.timeout", "60s"}
	if test == "TestRandomRuns" {
		args = append(args, "-from", "310", "-seeds", "20")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "STREAMPORT_MUTANT="+mutant)
	return cmd.Run()
}
