package check_test

var groupExamples = []example{
	{"C1", breaks, "one in the middle", strict, `log 0 a1 b1 a2; take h1 0; do h1 0@1 0@3`, "C1"},
	{"C1", breaks, "one of a key, in any order", byKey, `log 0 a1 a2 a3; take h1 0; do h1 0@1 0@3`, "C1"},
	{"C1", keeps, "all of them", strict, `log 0 a1 b1 a2; take h1 0; do h1 0@1 0@2 0@3`, ""},
	{"C1", edge, "a hole that the log has too", strict,
		`sent #1 a1 0@1; sent #2 b1 0@9; stored #1 a1 0@1; stored #2 b1 0@9; take h1 0; do h1 #1 a1 0@1;
			do h1 #2 b1 0@9`, ""},
	{"C1", edge, "one of another key, in any order", byKey, `log 0 a1 b1 a2; take h1 0; do h1 0@1 0@3`, ""},
	{"C1", edge, "the last is left to the next hold", strict, `log 0 a1 a2; take h1 0; do h1 0@1`, ""},

	{"C2", breaks, "it goes back to one that was skipped", strict,
		`log 0 a1 b1 c1; take h1 0; do h1 0@1 0@3 0@2`, "C1 C2"},
	{"C2", breaks, "it goes back within a key", byKey, `log 0 a1 a2; take h1 0; do h1 0@2 0@1`, "C2 C3 C5"},
	{"C2", breaks, "two of a key at a time", byKey, `log 0 a1 a2; take h1 0; get h1 0@1; get h1 0@2`, "C2"},
	{"C2", keeps, "it goes on", strict, `log 0 a1 b1; take h1 0; do h1 0@1 0@2`, ""},
	{"C2", edge, "keys change places where they may", byKey, `log 0 a1 b1; take h1 0; get h1 0@2; get h1 0@1`, ""},
	{"C2", edge, "keys change places where they may not", strict,
		`log 0 a1 b1; take h1 0; get h1 0@2; get h1 0@1`, "C2 C3"},
	{"C2", edge, "two that have no key at a time", byKey, `log 0 _ _; take h1 0; get h1 0@2; get h1 0@1`, ""},

	{"C3", breaks, "one is skipped after the checkpoint", strict,
		`log 0 a1 b1 c1; take h1 0; do h1 0@1; save h1 0@1; lost h1 0; take h2 0@1; do h2 0@3`, "C3"},
	{"C3", breaks, "a partition that appears is read from its end", strict,
		`take h9 9; new 0; log 0 a1; take h1 0@1`, "C3"},
	{"C3", keeps, "right after the checkpoint", strict,
		`log 0 a1 b1; take h1 0; do h1 0@1; save h1 0@1; lost h1 0; take h2 0@1; do h2 0@2`, ""},
	{"C3", edge, "the group begins at the end", strict, `log 0 a1 b1; take h1 0@1; do h1 0@2`, ""},
	{"C3", edge, "at most once", most, `log 0 a1 b1; take h1 0; do h1 0@2`, ""},
	{"C3", edge, "what was trimmed before the group was born", strict, `log 0 -a1 b1; trim 0@1; take h1 0; do h1 0@2`, ""},

	{"C4", breaks, "the checkpoint's own record comes", strict, `log 0 a1 b1; take h1 0@1; do h1 0@1 0@2`, "C4"},
	{"C4", breaks, "an old record comes, in any order", byKey, `log 0 a1 b1; take h1 0@1; do h1 0@2 0@1`, "C4"},
	{"C4", keeps, "the one after it", strict, `log 0 a1 b1; take h1 0@1; do h1 0@2`, ""},
	{"C4", edge, "the first of all", strict, `log 0 a1; take h1 0; do h1 0@1`, ""},
	{"C4", edge, "right behind a checkpoint where no record is", strict,
		`sent #1 a1 0@5; stored #1 a1 0@5; take h1 0@4; do h1 #1 a1 0@5`, ""},

	{"C7", breaks, "expired and not reported", strict, `log 0 -a1 b1; take h1 0; trim 0@1; do h1 0@2`, "C7"},
	{"C7", breaks, "reported and not expired", strict, `log 0 a1 b1; take h1 0; gap h1 0@0-2; do h1 0@2`, "C7"},
	{"C7", breaks, "one too many is reported", strict,
		`log 0 -a1 b1 c1; take h1 0; trim 0@1; gap h1 0@0-3; do h1 0@3`, "C7"},
	{"C7", breaks, "a gap where nothing goes wrong", quiet, `log 0 a1 b1; take h1 0@1; gap h1 0@1-2; do h1 0@2`, "C7"},
	{"C7", breaks, "all are reported and one is left", strict, `log 0 -a1 b1; take h1 0; trim 0@1; gap h1 0`, "C7"},
	{"C7", keeps, "expired and reported", strict, `log 0 -a1 b1; take h1 0; trim 0@1; gap h1 0@0-2; do h1 0@2`, ""},
	{"C7", edge, "all are expired and one comes later", strict,
		`log 0 -a1; take h1 0; trim 0@1; gap h1 0; sent #2 b1 0@2; stored #2 b1 0@2; do h1 #2 b1 0@2`, ""},
	{"C7", edge, "expired after it was read", strict, `log 0 -a1 b1; take h1 0; do h1 0@1; trim 0@1; do h1 0@2`, ""},
	{"C7", edge, "the next hold passes it without a word", strict,
		`log 0 -a1 b1; take h1 0; trim 0@1; gap h1 0@0-2; lost h1 0; take h2 0; do h2 0@2`, "C7"},

	{"C7", edge, "one of two is reported", strict,
		`log 0 -a1 -b1 c1; take h1 0; trim 0@2; gap h1 0@1-3; do h1 0@3`, "C7"},
	{"C7", edge, "nothing is left, and what comes later is skipped", strict,
		`log 0 -a1; take h1 0; trim 0@1; gap h1 0; sent #2 b1 0@2; sent #3 c1 0@3; stored #2 b1 0@2; stored #3 c1 0@3;
			do h1 #3 c1 0@3`, "C3"},

	{"C8", breaks, "after the release", strict, `log 0 a1; take h1 0; free h1 0; get h1 0@1`, "C8"},
	{"C8", breaks, "after the close", strict, `log 0 a1; take h1 0; close m1; get h1 0@1`, "C8"},
	{"C8", breaks, "long after the loss", strict, `log 0 a1 b1; take h1 0; do h1 0@1; lost h1 0; get h1 0@2`, "C8"},
	{"C8", breaks, "nobody holds it", strict, `log 0 a1; get h1 0@1`, "C8"},
	{"C8", breaks, "of a partition that the hold is not of", strict, `log 0 a1; take h1 1; get h1 0@1`, "C8"},
	{"C8", keeps, "before the release", strict, `log 0 a1; take h1 0; do h1 0@1; save h1 0@1; clean h1 0@1; close m1`, ""},
	{"C8", edge, "after another member's close", strict, `log 0 a1; take h1 0; close m2; do h1 0@1`, ""},
	{"C8", edge, "who does not know of the loss yet", strict,
		`log 0 a1 b1; take h1 0; do h1 0@1; take h2 0; get h1 0@2; lost h1 0`, ""},

	{"C9", breaks, "never delivered", strict, `log 0 a1 b1; take h1 0; do h1 0@1; drained`, "C9"},
	{"C9", breaks, "nobody ever held its partition", strict, `take h1 0; log 1 a1; drained`, "C9"},
	{"C9", keeps, "delivered", strict, `log 0 a1; take h1 0; do h1 0@1; drained`, ""},
	{"C9", edge, "older than the group", strict, `log 0 a1 b1; take h1 0@1; do h1 0@2; drained`, ""},
	{"C9", edge, "expired and reported", strict, `log 0 -a1; take h1 0; trim 0@1; gap h1 0; drained`, ""},
	{"C9", edge, "at most once", most, `log 0 a1; take h1 0; drained`, ""},
	{"C9", edge, "in another stream", strict,
		`log 0 a1; take h1 0; do h1 0@1; sent #9 b1 x/0@1; stored #9 b1 x/0@1; drained`, ""},
}

// split is a partition with one record that two others replace.
const split = `take h1 0; log 0 a1; new 1 >0; new 2 >0; log 1 a2; log 2 b1`

// merged are two partitions that one replaces.
const merged = `take h1 0; take h2 1; log 0 a1; log 1 b1; new 2 >0 >1; log 2 a2 b2`

var lineageExamples = []example{
	{"C5", breaks, "two of a key", strict,
		`sent #1 a1 0@2; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2; take h1 0; do h1 #2 a2 0@1;
			do h1 #1 a1 0@2`, "C5 P5"},
	{"C5", breaks, "a child is seen before its parent", strict, steps(split, `take h2 1; do h2 1@1; do h1 0@1`), "C5 C6"},
	{"C5", keeps, "a parent is seen before its child", strict,
		steps(split, `do h1 0@1; save h1 0@1; take h2 1; do h2 1@1`), ""},
	{"C5", edge, "they come again", strict,
		`log 0 a1 a2; take h1 0; do h1 0@1 0@2; lost h1 0; take h2 0; do h2 0@1 0@2`, ""},
	{"C5", edge, "who has lost the partition sees the later one first", strict,
		`log 0 a1 a2; take h1 0; do h1 0@1; take h2 0; get h1 0@2; do h2 0@1 0@2`, ""},
	{"C5", edge, "partitions were added", grows,
		`log 0 a1; new 1; log 1 a2; take h1 0; take h2 1; do h2 1@1; do h1 0@1`, ""},
	{"C5", edge, "keys have no order", none,
		`sent #1 a1 0@2; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2; take h1 0; do h1 #2 a2 0@1;
			do h1 #1 a1 0@2`, ""},
	{"C5", edge, "the second copy of one whose first is trimmed", loose,
		`sending #1 a1; sending #2 a2; acked #1 0@3 dup; acked #2 0@2; take h1 0; trim 0@1; gap h1 0@0-2;
		stored #2 a2 0@2; stored #1 a1 0@3; do h1 #2 a2 0@2; do h1 #1 a1 0@3`, ""},

	{"C6", breaks, "the parent is not handled", strict, steps(split, `get h1 0@1; take h3 2; do h3 2@1`), "C6"},
	{"C6", breaks, "one of two parents is not read", strict,
		steps(merged, `do h1 0@1; save h1 0@1; end h1 0; take h3 2; do h3 2@1`), "C6"},
	{"C6", breaks, "the parent is not checkpointed", strict, steps(split, `do h1 0@1; take h3 2; do h3 2@1`), "C6"},
	{"C6", breaks, "the parent is granted again", strict,
		steps(split, `do h1 0@1; save h1 0@1; lost h1 0; take h3 2; do h3 2@1; take h4 0@1`), "C6"},
	{"C6", breaks, "nobody ever read the parent", strict,
		`take h9 9; log 0 a1; new 1 >0; log 1 b1; take h1 1; do h1 1@1`, "C6"},
	{"C6", breaks, "the parent is checkpointed and not handled", strict,
		steps(split, `get h1 0@1; save h1 0@1; take h3 2; do h3 2@1`), "C6 K1"},
	{"C6", breaks, "the parent is handled later", strict,
		steps(split, `get h1 0@1; save h1 0@1; take h3 2; do h3 2@1; done h1 0@1`), "C6 K1"},
	{"C6", keeps, "both parents are done", strict,
		steps(merged, `do h1 0@1; save h1 0@1; end h1 0; do h2 1@1; save h2 1@1; end h2 1; take h3 2; do h3 2@1`), ""},
	{"C6", edge, "the end is told late", strict,
		steps(split, `do h1 0@1; save h1 0@1; take h3 2; do h3 2@1; end h1 0; clean h1 0@1`), ""},
	{"C6", edge, "the parent is trimmed", strict,
		`take h9 9; log 0 -a1; new 1 >0; log 1 b1; trim 0@1; take h1 1; do h1 1@1`, ""},
	{"C6", edge, "the parent is older than the group", strict, `log 0 a1; new 1 >0; log 1 b1; take h1 1; do h1 1@1`, ""},
	{"C6", edge, "the parent had nothing", strict, `take h9 9; new 1 >0; log 1 b1; take h1 1; do h1 1@1`, ""},
	{"C6", edge, "the child is granted and nothing is delivered yet", strict,
		steps(split, `take h3 2; do h1 0@1; save h1 0@1; do h3 2@1`), ""},
}
