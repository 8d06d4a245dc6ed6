package check_test

var logExamples = []example{
	{"P1", breaks, "acknowledged and gone", strict, `sent #1 a1 0@1; sent #2 a2 0@2; stored #2 a2 0@2`, "P1"},
	{"P1", breaks, "of another partition is trimmed only", strict, `sent #1 a1 0@1; trim 1@9`, "P1"},
	{"P1", keeps, "stored", strict, `sent #1 a1 0@1; stored #1 a1 0@1`, ""},
	{"P1", edge, "the last trimmed", strict, `sent #1 a1 0@1; sent #2 a2 0@2; trim 0@1; stored #2 a2 0@2`, ""},
	{"P1", edge, "one behind the last trimmed", strict, `sent #1 a1 0@1; sent #2 a2 0@2; trim 0@1`, "P1"},
	{"P1", edge, "the outcome is unknown", strict, `unknown #1 a1; sending #2 a2`, ""},
	{"P1", edge, "trimmed at an unknown place", strict, `sent #1 a1; trim 0@1`, ""},
	{"P1", edge, "at an unknown place of a stream that is not trimmed", strict, `sent #1 a1 x/; trim 0@1`, "P1"},

	{"P2", breaks, "failed and stored", strict, `failed #1 a1; stored #1 a1 0@1`, "P2"},
	{"P2", breaks, "failed and delivered only", strict, `failed #1 a1; sent #2 a2 0@2; take h1 0; get h1 #1 a1 0@1; stored #2 a2 0@2`, "P2"},
	{"P2", keeps, "failed and gone", strict, `failed #1 a1`, ""},
	{"P2", edge, "unknown and stored", strict, `unknown #1 a1; stored #1 a1 0@1`, ""},
	{"P2", edge, "never answered and stored", strict, `sending #1 a1; stored #1 a1 0@1`, ""},
	{"P2", edge, "failed by its transaction", strict, `sending #1 a1 t1; abort t1; stored #1 a1 0@1`, "P2"},

	{"P3", breaks, "stored twice", strict, `sent #1 a1 0@1; stored #1 a1 0@1; stored #1 a1 0@2`, "P3"},
	{"P3", breaks, "stored twice and the answer does not say so", loose, `sent #1 a1 0@1; stored #1 a1 0@1; stored #1 a1 0@2`, "P3"},
	{"P3", keeps, "the answer says so", loose, `sent #1 a1 0@1 dup; stored #1 a1 0@1; stored #1 a1 0@2`, ""},
	{"P3", edge, "unknown and twice", loose, `unknown #1 a1; stored #1 a1 0@1; stored #1 a1 0@2`, ""},
	{"P3", edge, "unknown and twice where records are idempotent", strict, `unknown #1 a1; stored #1 a1 0@1; stored #1 a1 0@2`, "P3"},

	{"P4", breaks, "two records at one position", strict, `sent #1 a1 0@1; sent #2 a2; stored #1 a1 0@1; stored #2 a2 0@2; take h1 0; get h1 #2 a2 0@1`, "P4"},
	{"P4", breaks, "nobody sent it", strict, `stored #1 a1 0@1`, "P4"},
	{"P4", breaks, "one reading has it twice", strict, `sent #1 _ 0@1; stored #1 _ 0@1; stored #1 _ 0@1`, "P3 P4"},
	{"P4", breaks, "delivered and not in the log", strict, `log 0 a1; unknown #7 b1; take h1 0; get h1 0@1; get h1 #7 b1 0@2`, "P4"},
	{"P4", keeps, "everybody agrees", strict, `log 0 a1; take h1 0; do h1 0@1`, ""},
	{"P4", edge, "delivered and trimmed since", strict, `log 0 -a1 a2; take h1 0; do h1 0@1 0@2; trim 0@1`, ""},
	{"P4", edge, "the same position of another partition", strict, `log 0 a1; log 1 b1; take h1 0; do h1 0@1; take h2 1; do h2 1@1`, ""},

	{"P5", breaks, "two of a key change places", strict, `sent #1 a1 0@2; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2`, "P5"},
	{"P5", breaks, "a parent has what comes later", strict, `new 1 >0; sent #1 a1 1@1; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 1@1`, "P5"},
	{"P5", keeps, "two keys change places", strict, `sent #1 a1 0@2; sent #2 b1 0@1; stored #2 b1 0@1; stored #1 a1 0@2`, ""},
	{"P5", edge, "without key order", none, `sent #1 a1 0@2; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2`, ""},
	{"P5", edge, "a late record of unknown outcome", loose, `unknown #1 a1; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2`, ""},
	{"P5", edge, "a late record of unknown outcome that must not be late", strict, `unknown #1 a1; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2`, "P5"},
	{"P5", edge, "the second copy", loose, `sent #1 a1 0@1 dup; sent #2 a2 0@2; stored #1 a1 0@1; stored #2 a2 0@2; stored #1 a1 0@3`, ""},
	{"P5", edge, "the first copy of a record that is stored twice", loose, `sent #1 a1 0@3 dup; sent #2 a2 0@1; stored #2 a2 0@1; stored #1 a1 0@2; stored #1 a1 0@3`, "P5"},
	{"P5", edge, "the second copy in a child", loose, `new 1 >0; sent #1 a1 0@1 dup; sent #2 a2 0@2; stored #1 a1 0@1; stored #2 a2 0@2; stored #1 a1 1@1`, ""},
	{"P5", edge, "two producers of one key", strict, `sent #1 a1 m1 0@1; sent #2 a2 m1 0@2; sent #3 a1 m2 0@3; stored #1 a1 0@1; stored #2 a2 0@2; stored #3 a1 0@3`, ""},

	{"P6", breaks, "a key in two partitions", strict, `log 0 a1; log 1 a2`, "P6"},
	{"P6", breaks, "a key in two children", strict, `log 0 a1; new 1 >0; new 2 >0; log 1 a2; log 2 a3`, "P6"},
	{"P6", keeps, "each at home", strict, `log 0 a1 a2; log 1 b1`, ""},
	{"P6", edge, "in a partition and its grandchild", strict, `log 0 a1; new 1 >0; new 2 >1; log 2 a2`, ""},
	{"P6", edge, "partitions were added", grows, `log 0 a1; log 1 a2`, ""},
	{"P6", edge, "in two streams", strict, `sent #1 a1 x/0@1; sent #2 a2 y/1@1; stored #1 a1 x/0@1; stored #2 a2 y/1@1`, ""},

	{"P7", breaks, "stored otherwise", strict, `sent #1 a1 0@1; stored #1 a1 0@1 ~99`, "P7"},
	{"P7", breaks, "delivered otherwise", strict, `log 0 a1; take h1 0; do h1 0@1 ~99`, "P7"},
	{"P7", keeps, "as it was sent", strict, `sent #1 a1 0@1 ~7; stored #1 a1 0@1 ~7`, ""},
	{"P7", edge, "unknown outcome, stored otherwise", strict, `unknown #1 a1; stored #1 a1 0@1 ~99`, "P7"},
	{"P7", edge, "the answer does not repeat what was sent", strict, `sending #1 a1 ~7; acked #1 0@1; stored #1 a1 0@1 ~7`, ""},

	{"P8", breaks, "another position", strict, `sent #1 a1 0@1; stored #1 a1 0@2`, "P8"},
	{"P8", breaks, "another partition", strict, `sent #1 a1 0@1; stored #1 a1 1@1`, "P8"},
	{"P8", keeps, "the one that was told", strict, `sent #1 a1 0@2; stored #1 a1 0@2`, ""},
	{"P8", edge, "one of two copies", loose, `sent #1 a1 0@2 dup; stored #1 a1 0@1; stored #1 a1 0@2`, ""},
	{"P8", edge, "no position was told", strict, `sent #1 a1; stored #1 a1 0@2`, ""},
	{"P8", edge, "the copy that was told is trimmed", loose, `sent #1 a1 0@1 dup; trim 0@1; stored #1 a1 0@2`, ""},
}

var transactionExamples = []example{
	{"P9", breaks, "half of it is there", strict, `sending #1 a1 t1; sending #2 b1 t1; doubt t1; stored #1 a1 0@1`, "P9"},
	{"P9", breaks, "half of it is there after an abort", strict, `sending #1 a1 t1; sending #2 b1 t1; abort t1; stored #1 a1 0@1`, "P2 P9"},
	{"P9", keeps, "all of it", strict, `sending #1 a1 t1; sending #2 b1 t1; commit t1; stored #1 a1 0@1; stored #2 b1 0@2`, ""},
	{"P9", keeps, "nothing of it", strict, `sending #1 a1 t1; sending #2 b1 t1; abort t1`, ""},
	{"P9", edge, "nothing of a transaction in doubt", strict, `sending #1 a1 t1; sending #2 b1 t1; doubt t1`, ""},
	{"P9", edge, "the other half is trimmed", strict, `sending #1 a1 t1; sending #2 b1 t1; commit t1; trim 0@1; stored #2 b1 0@2`, ""},
	{"P9", edge, "another stream is trimmed", strict, `sending #1 a1 t1; sending #2 b1 t1; doubt t1; trim x/0@1; stored #2 b1 0@2`, "P9"},

	{"P10", breaks, "delivered before the commit", strict, `sending #1 a1 t1; take h1 0; get h1 #1 a1 0@1; commit t1; stored #1 a1 0@1`, "P10"},
	{"P10", breaks, "delivered and never committed", strict, `sending #1 a1 t1; take h1 0; get h1 #1 a1 0@1; stored #1 a1 0@1`, "P10 P2"},
	{"P10", keeps, "delivered after the commit", strict, `sending #1 a1 t1; commit t1; take h1 0; get h1 #1 a1 0@1; stored #1 a1 0@1`, ""},
	{"P10", edge, "delivered while the commit is under way", strict, `sending #1 a1 t1; committing t1; take h1 0; get h1 #1 a1 0@1; committed t1; stored #1 a1 0@1`, ""},
	{"P10", edge, "delivered and aborted then", strict, `sending #1 a1 t1; committing t1; take h1 0; get h1 #1 a1 0@1; abort t1`, "P2"},

	{"P11", breaks, "each is made from the other", strict, `sending #1 a1 t1 <2; sending #2 b1 t2 <1; commit t1; commit t2; stored #1 a1 0@1; stored #2 b1 0@2`, "P11"},
	{"P11", breaks, "a cycle of three", strict, `sending #1 _ t1 <3; sending #2 _ t2 <1; sending #3 _ t3 <2; doubt t1; doubt t2; doubt t3`, "P11"},
	{"P11", keeps, "a chain", strict, `sending #1 a1 t1; sending #2 b1 t2 <1; sending #3 c1 t3 <2; doubt t1; doubt t2; doubt t3`, ""},
	{"P11", edge, "from its own", strict, `sending #1 a1 t1; sending #2 b1 t1 <1; doubt t1`, "P11"},
	{"P11", edge, "two made from one", strict, `sending #1 a1 t1; sending #2 b1 t2 <1; sending #3 c1 t3 <1; doubt t1; doubt t2; doubt t3`, ""},
	{"P11", edge, "from each other's records outside of transactions", strict, `sending #1 a1 <2; sending #2 b1 t2 <1; doubt t2`, ""},

	{"D4", breaks, "two outputs", once, steps(input, `sending #7 b1 x/ t1 <101; sending #8 b2 x/ t2 <101; commit t1; commit t2; stored #7 b1 x/0@1; stored #8 b2 x/0@2`), "D4"},
	{"D4", keeps, "one output", once, steps(input, `sending #7 b1 x/ t1 <101; commit t1; stored #7 b1 x/0@1`), ""},
	{"D4", edge, "two attempts, one output", once, steps(input, `sending #7 b1 x/ t1 <101; abort t1; sending #8 b1 x/ t2 <101; commit t2; stored #8 b1 x/0@1`), ""},
	{"D4", edge, "two outputs where one is not promised", strict, steps(input, `sent #7 b1 x/0@1 <101; sent #8 b2 x/0@2 <101; stored #7 b1 x/0@1; stored #8 b2 x/0@2`), ""},

	{"D5", breaks, "checkpointed without an output", once, steps(input, `save h1 0@1; left 0@1`), "D5"},
	{"D5", keeps, "checkpointed with its output", once, steps(input, `sending #7 b1 x/ t1 <101; save h1 0@1 t1; commit t1; left 0@1; stored #7 b1 x/0@1`), ""},
	{"D5", edge, "not checkpointed", once, input, ""},
	{"D5", edge, "the output is lost", once, steps(input, `sending #7 b1 x/ t1 <101; save h1 0@1 t1; commit t1; left 0@1`), "D5 P1"},
	{"D5", edge, "older than the group", once, `log 0 a1; take h1 0@1; left 0@1`, ""},
}

// input is one record that is read.
const input = `log 0 a1; take h1 0; do h1 0@1`
