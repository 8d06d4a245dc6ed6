//go:build mutants

package kafkago

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSinkMutants runs broken variants of the sink, each against the test that must reject it, which passes without.
func TestSinkMutants(t *testing.T) {
	for name, by := range map[string]string{
		"the sequence is not advanced":                 "TestEqualBatchesAreAllStored",
		"a batch is renumbered when it is sent again":  "TestLostAnswersStoreOnce",
		"a batch overtakes the one that is sent again": "TestLostAnswersStoreOnce",
		"the epoch is not bumped":                      "TestWhatFollowsAnUnknownOutcomeIsStored",
		"what waits behind a failure is sent":          "TestFailureTakesWhatWaitsBehind",
		"two batches of a partition are under way":     "TestOneBatchOfAPartitionIsUnderWay",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, memberTest(t, by, ""))
			require.Error(t, memberTest(t, by, name), "%s does not see it", by)
		})
	}
}
