//go:build mutants

package kafkago

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutants runs broken variants of the package, each against the test that must reject it, which passes without.
func TestMutants(t *testing.T) {
	for name, by := range map[string]string{
		"aborted records are not dropped":        "TestReadCommittedSeesWhatWasCommitted",
		"control records are delivered":          "TestFetcherPassesMarkersAndHidesAbortedRecords",
		"a marker does not end a transaction":    "TestReadCommittedSeesWhatWasCommitted",
		"a position does not pass a hole":        "TestPositionPassesATailThatWasCompactedAway",
		"out of range jumps to the log's start":  "TestFetcherTellsWhatIsOutOfRangeAndStands",
		"a topic made anew is read on":           "TestFetcherStandsWhereTheTopicWasMadeAnew",
		"what is not committed yet is delivered": "TestFetcherPassesMarkersAndHidesAbortedRecords",

		"the sequence is not advanced":                 "TestEqualBatchesAreAllStored",
		"a batch is renumbered when it is sent again":  "TestLostAnswersStoreOnce",
		"a batch overtakes the one that is sent again": "TestLostAnswersStoreOnce",
		"the epoch is not bumped":                      "TestWhatFollowsAnUnknownOutcomeIsStored",
		"what waits behind a failure is sent":          "TestFailureTakesWhatWaitsBehind",
		"two batches of a partition are under way":     "TestOneBatchOfAPartitionIsUnderWay",

		"the generation is left before all is given back": "TestMemberWaitsForWhoIsAskedToGiveUp",
		"a session has no end":                            "TestSessionThatNobodyAnswersEnds",
		"what is lost is kept":                            "TestMemberThatDoubtsAsksAtOnce",
		"nobody asks while handlers give up":              "TestSessionGoesOnWhileHandlersGiveUp",
		"topics are made by reading":                      "TestReadingMakesNoTopic",
		"a generation ends with its connection":           "TestBrokenConnectionsTakeNothing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait
			require.NoError(t, alone(t, by, ""))
			require.Error(t, alone(t, by, name), "%s does not see it", by)
		})
	}
}

// alone runs one test of this binary in a process of its own.
func alone(t *testing.T, test, mutant string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$", "-test.timeout", "60s",
		"-rapid.checks", "1000", "-rapid.seed", "1", "-rapid.nofailfile") // where they are drawn, the same cases each time
	cmd.Env = append(os.Environ(), "STREAMPORT_MUTANT="+mutant)
	return cmd.Run()
}
