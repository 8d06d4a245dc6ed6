package check_test

import "github.com/streamport-go/streamport/internal/verify/check"

// slow promises an end within 20 s, and allows silence of any length.
var slow = check.Level{DrainIn: 20e9, QuietIn: 1000e9}

var livenessExamples = []example{
	{"L1", breaks, "not drained", strict, `heal`, "L1"},
	{"L1", breaks, "drained late", slow, `heal; wait 21s; drained`, "L1"},
	{"L1", keeps, "drained", strict, `heal; wait 1s; drained`, ""},
	{"L1", edge, "drained at the last moment", slow, `heal; wait 19999ms; drained`, ""},
	{"L1", edge, "drained a moment too late", slow, `heal; wait 20000ms; drained`, "L1"},
	{"L1", edge, "the run is not over", strict, `fault err=expel`, ""},

	{"L2", breaks, "silence", strict, `heal; log 0 a1; take h1 0; wait 11s; do h1 0@1; drained`, "L2"},
	{"L2", breaks, "silence to the end", strict, `heal; wait 11s; fault err=expel`, "L1 L2"},
	{"L2", keeps, "work", strict, `heal; log 0 a1 b1; take h1 0; wait 6s; do h1 0@1; wait 6s; do h1 0@2; drained`, ""},
	{"L2", edge, "silence before the last fault", strict, `log 0 a1; take h1 0; wait 11s; do h1 0@1; heal; drained`, ""},
	{"L2", edge, "silence after everything was seen", strict, `heal; drained; wait 60s; close m1`, ""},
	{"L2", edge, "calls that fail are silence", strict,
		`heal; take h1 0; wait 6s; refused h1 0@1; wait 6s; drained`, "L2"},

	{"L3", breaks, "late", strict, `close m1 200ms`, "L3"},
	{"L3", keeps, "in time", strict, `close m1`, ""},
	{"L3", edge, "a little late", strict, `close m1 100ms`, ""},
	{"L3", edge, "a little more", strict, `close m1 101ms`, "L3"},

	{"L4", breaks, "a goroutine is left", strict, `escape err=goroutine`, "L4"},
	{"L4", keeps, "none is", strict, `close m1`, ""},
	{"L4", edge, "a call that is never answered is no goroutine", strict, `take h1 0; saving h1 0@1; crash m1`, ""},

	{"X1", breaks, "an error without a class", strict, `failed #1 a1 err=unclassified`, "X1"},
	{"X1", breaks, "an escape without a class", strict, `escape err=smoke`, "X1"},
	{"X1", keeps, "an error with one", strict, `failed #1 a1 err=throttled`, ""},
	{"X1", edge, "a fault with a name of its own", strict, `fault err=unheard-of`, ""},

	{"X2", breaks, "a panic", strict, `escape err=panic`, "X2"},
	{"X2", keeps, "none", strict, `close m1 err=planned`, ""},
	{"X2", edge, "one that came back as an error", strict, `close m1 err=panic`, ""},

	{"X3", breaks, "a secret", strict, `escape err=secret`, "X3"},
	{"X3", keeps, "none", strict, `close m1`, ""},
	{"X3", edge, "beside a panic", strict, `escape err=panic; escape err=secret`, "X2 X3"},
}
