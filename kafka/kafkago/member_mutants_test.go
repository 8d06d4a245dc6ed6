//go:build mutants

package kafkago

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMemberMutants runs broken variants of the member, each against the test that must reject it, which passes without.
func TestMemberMutants(t *testing.T) {
	for name, by := range map[string]string{
		"the generation is left before all is given back": "TestMemberWaitsForWhoIsAskedToGiveUp",
		"a session has no end":                            "TestSessionThatNobodyAnswersEnds",
		"what is lost is kept":                            "TestMemberThatDoubtsAsksAtOnce",
		"nobody asks while handlers give up":              "TestSessionGoesOnWhileHandlersGiveUp",
		"topics are made by reading":                      "TestReadingMakesNoTopic",
		"a generation ends with its connection":           "TestBrokenConnectionsTakeNothing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, memberTest(t, by, ""))
			require.Error(t, memberTest(t, by, name), "%s does not see it", by)
		})
	}
}

// memberTest runs one test of this binary in a process of its own.
func memberTest(t *testing.T, test, mutant string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), "STREAMPORT_MUTANT="+mutant)
	return cmd.Run()
}
