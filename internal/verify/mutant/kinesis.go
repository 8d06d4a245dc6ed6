package mutant

// Kinesis are the variants of the Kinesis adapter that the checker, or a test that is named here, rejects; see mutant.go in
// the packages of kinesis/internal. The tests of packages lease and lineage have more of them.
func Kinesis() []Adapter {
	return of(ofKinesis, []Adapter{
		{Name: "a child does not wait", By: []string{"C5", "C6"}, Seeds: []uint64{4}},
		{Name: "one parent only at a merge", By: []string{"C5", "C6"}, Seeds: []uint64{6}},
		{Name: "a child starts at the tip", By: []string{"C3", "C9", "L1"}, Seeds: []uint64{4}},
		{Name: "a closed shard is skipped", By: []string{"C9", "L1"}, Seeds: []uint64{2}},
		{Name: "the start is resolved again", By: []string{"C3", "C9", "L1"}, Seeds: []uint64{6}},
		{Name: "the tip is a sentinel", By: []string{"C3", "C9", "L1"}, Seeds: []uint64{1}},

		{Name: "early shard end", By: []string{"C3", "C6", "C9", "K6", "L1", "P1"}, Seeds: []uint64{3}},
		{Name: "mid-aggregate checkpoint forgets the index", By: []string{"C4", "K5"}, Seeds: []uint64{11}},
		{Name: "threshold ignored", Package: "consumer", Test: "TestOlderRecordsAreDroppedWhereverTheyStand"},
		{Name: "state is dropped", By: []string{"X1"}, Seeds: []uint64{45}},
		{Name: "stale prefetch after seek/regrant", By: []string{"C3", "C4", "D2"}, Seeds: []uint64{8}},

		{Name: "read error → latest", Package: "reader", Test: "TestTipIsNotLookedForTwice"},
		{Name: "expired iterator from the beginning", Package: "reader", Test: "TestExpiredIteratorGoesOnAfterTheLastRecord"},
		{Name: "connection end is shard end", Package: "reader", Test: "TestSubscriptionGoesOnWhereItEnded"},

		{Name: "one page of the table is read", By: []string{"C9", "L1"}, Seeds: []uint64{3}},
		{Name: "unpaginated listing", Package: "awskinesis", Test: "TestListingHasAllPages"},

		{Name: "a take does not look at expiry", By: []string{"D2", "D3", "L1", "L2"}, Seeds: []uint64{1}},
		{Name: "nobody is asked before a lease is taken", By: []string{"D3"}, Seeds: []uint64{45}},
		{Name: "an unknown outcome is a success", By: []string{"K2", "K5"}, Seeds: []uint64{78}},
		{Name: "what was handed over is held whatever it is", By: []string{"C6", "D3", "K2", "K5"}, Seeds: []uint64{11}},
		{Name: "what may be written is not written", Package: "lease", Test: "TestLostAnswerBeforeALoss"},
		{Name: "the counter is no fence", Package: "lease", Test: "TestZombieWriteIsRefused"},
		{Name: "leases are given back without a condition", Package: "lease", Test: "TestReleaseAfterAnUnseenTake"},
		{Name: "an expired lease goes on", Package: "lease", Test: "TestCutOff"},
		{Name: "a stolen lease is used at once", Package: "lease", Test: "TestPlainTake"},
		{Name: "a row is granted again while its handler goes on", Package: "lease", Test: "TestNextWaitsForRelease"},

		{Name: "ambiguous is not stored", By: []string{"P2", "P3"}, Seeds: []uint64{6}},
		{Name: "reorder on partial failure", By: []string{"P5"}, Seeds: []uint64{12}},
		{Name: "a failed record lets its key go on", Package: "producer", Test: "TestFailedRecordTakesThoseBehindIt"},
		{Name: "two in flight of a key", By: []string{"P5"}, Seeds: []uint64{4}},
		{Name: "size without the key", Package: "producer", Test: "TestSizesAreCountedAsTheServiceDoes"},
	})
}
