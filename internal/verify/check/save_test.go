package check_test

// two are two records, both handled.
const two = `log 0 a1 b1; take h1 0; do h1 0@1 0@2`

var checkpointExamples = []example{
	{"K1", breaks, "before the handler", strict, `log 0 a1; take h1 0; get h1 0@1; save h1 0@1; done h1 0@1`, "K1"},
	{"K1", breaks, "past one that is in work", strict, `log 0 a1 b1; take h1 0; get h1 0@1; do h1 0@2; save h1 0@2`, "K1"},
	{"K1", breaks, "nobody knows whether it was saved", strict, `log 0 a1; take h1 0; get h1 0@1; maybe h1 0@1`, "K1"},
	{"K1", breaks, "handled while it is saved", strict, `log 0 a1; take h1 0; get h1 0@1; saving h1 0@1; done h1 0@1; saved h1 0@1`, "K1"},
	{"K1", breaks, "delivered, not handled and trimmed since", strict, `log 0 -a1 b1; take h1 0; get h1 0@1; do h1 0@2; save h1 0@2; trim 0@1`, "K1"},
	{"K1", keeps, "after the handler", strict, steps(two, `save h1 0@2`), ""},
	{"K1", edge, "given up by a policy", strict, `log 0 a1 b1; take h1 0; get h1 0@1; skip h1 0@1; do h1 0@2; save h1 0@2`, ""},
	{"K1", edge, "reported as expired", strict, `log 0 -a1 b1; take h1 0; trim 0@1; gap h1 0@0-2; do h1 0@2; save h1 0@2`, ""},
	{"K1", edge, "refused", strict, `log 0 a1; take h1 0; get h1 0@1; refused h1 0@1`, ""},
	{"K1", edge, "older than the group", strict, `log 0 a1 b1; take h1 0@1; do h1 0@2; save h1 0@2`, ""},
	{"K1", edge, "handled by the hold before", strict, `log 0 a1 b1; take h1 0; do h1 0@1; lost h1 0; take h2 0; get h2 0@1; done h2 0@1; do h2 0@2; save h2 0@2`, ""},
	{"K1", edge, "at most once", most, `log 0 a1; take h1 0; get h1 0@1; save h1 0@1`, ""},
	{"K1", edge, "in a transaction that is aborted", strict, `log 0 a1; take h1 0; get h1 0@1; save h1 0@1 t1; abort t1`, ""},

	{"K2", breaks, "it goes back", strict, steps(two, `save h1 0@2; save h1 0@1; left 0@2`), "K2"},
	{"K2", keeps, "it goes on", strict, steps(two, `save h1 0@1; save h1 0@2`), ""},
	{"K2", edge, "the same again", strict, steps(two, `save h1 0@2; save h1 0@2`), ""},
	{"K2", edge, "two that overlap, answered in the other order", strict, steps(two, `saving h1 0@1; saving h1 0@2; saved h1 0@2; saved h1 0@1`), ""},
	{"K2", edge, "back and refused", strict, steps(two, `save h1 0@2; refused h1 0@1`), ""},

	{"K3", breaks, "saved after another has it", strict, steps(two, `save h1 0@1; take h2 0@1; save h1 0@2`), "K3"},
	{"K3", breaks, "told long after another has it", strict, steps(two, `save h1 0@1; take h2 0@1; wait 1s; told h1 0@2 1ms`), "K3"},
	{"K3", keeps, "refused after another has it", strict, steps(two, `save h1 0@1; take h2 0@1; refused h1 0@2 err=lost`), ""},
	{"K3", edge, "without fencing", open, steps(two, `save h1 0@1; take h2 0@1; save h1 0@2`), ""},
	{"K3", edge, "begun before another has it", strict, steps(two, `saving h1 0@2; take h2 0@2; saved h1 0@2`), ""},
	{"K3", edge, "told after another has it and begun before", strict, steps(two, `take h2 0@2; wait 1s; told h1 0@2 2s`), ""},
	{"K3", edge, "the other never got anything", strict, steps(two, `take h2 0@0; lost h2 0; save h1 0@2`), ""},

	{"K4", breaks, "saved after the release", strict, steps(two, `free h1 0; save h1 0@2`), "K4"},
	{"K4", breaks, "saved after the loss", strict, steps(two, `lost h1 0; save h1 0@2`), "K4"},
	{"K4", breaks, "saved after the close", strict, steps(two, `close m1; save h1 0@2`), "K4"},
	{"K4", breaks, "saved by nobody", strict, steps(two, `save h7 0@2`), "K4"},
	{"K4", keeps, "saved before the release", strict, steps(two, `save h1 0@2; clean h1 0@2; close m1`), ""},
	{"K4", edge, "refused after the release", strict, steps(two, `free h1 0; refused h1 0@2`), ""},
	{"K4", edge, "answered after the loss", strict, steps(two, `saving h1 0@2; lost h1 0; saved h1 0@2`), ""},
	{"K4", edge, "nobody knows after the release", strict, steps(two, `free h1 0; maybe h1 0@2`), ""},

	{"K5", breaks, "an older one is read", strict, steps(two, `save h1 0@1; save h1 0@2; lost h1 0; take h2 0@1`), "K5"},
	{"K5", breaks, "none is read", strict, steps(two, `save h1 0@2; lost h1 0; take h2 0`), "K5"},
	{"K5", breaks, "one that nobody saved is read", strict, steps(two, `lost h1 0; take h2 0@2`), "K5"},
	{"K5", breaks, "another is left in the end", strict, steps(two, `save h1 0@2; left 0@1`), "K5"},
	{"K5", breaks, "less is left than was released", strict, steps(two, `save h1 0@1; clean h1 0@2; left 0@1`), "K5"},
	{"K5", breaks, "saved at the moment of the takeover and not read", strict, steps(two, `saving h1 0@2; take h2 0; saved h1 0@2`), "K5"},
	{"K5", breaks, "a refused one is read", strict, steps(two, `refused h1 0@2; lost h1 0; take h2 0@2`), "K5"},
	{"K5", breaks, "an unknown one turns up when it can no longer", strict, steps(two, `maybe h1 0@2; lost h1 0; take h2 0; do h2 0@1; lost h2 0; take h3 0@2`), "K5"},
	{"K5", keeps, "the last is read", strict, steps(two, `save h1 0@1; save h1 0@2; lost h1 0; take h2 0@2; left 0@2`), ""},
	{"K5", edge, "an unknown one is read", strict, steps(two, `save h1 0@1; maybe h1 0@2; lost h1 0; take h2 0@2`), ""},
	{"K5", edge, "an unknown one is not read", strict, steps(two, `save h1 0@1; maybe h1 0@2; lost h1 0; take h2 0@1`), ""},
	{"K5", edge, "an unknown one goes back after it was read", strict, `log 0 a1 b1 c1; take h1 0; do h1 0@1 0@2; maybe h1 0@2; lost h1 0; take h2 0@2; get h2 0@3; lost h2 0; take h3 0; get h3 0@1`, "K5"},
	{"K5", edge, "one that was never answered is read", strict, steps(two, `saving h1 0@2; crash m1; take h2 0@2`), ""},
	{"K5", edge, "an unknown one turns up late without fencing", open, steps(two, `maybe h1 0@2; lost h1 0; take h2 0; do h2 0@1; lost h2 0; take h3 0@2`), ""},
	{"K5", edge, "another position with no record between", strict, steps(`sent #1 a1 0@1; stored #1 a1 0@1; take h1 0; do h1 #1 a1 0@1; save h1 0@1; left 0@2`), ""},
	{"K5", edge, "that of a transaction in doubt", strict, steps(two, `saving h1 0@2 t1; doubt t1; lost h1 0; take h2 0@2`), ""},
	{"K5", edge, "that of an aborted transaction", strict, steps(two, `saving h1 0@2 t1; abort t1; lost h1 0; take h2 0@2`), "K5"},

	{"K6", breaks, "one is not handled yet", strict, `log 0 a1 b1; take h1 0; do h1 0@1; save h1 0@1; end h1 0; do h1 0@2`, "K6"},
	{"K6", breaks, "one is never read", strict, `log 0 a1 b1; take h1 0; do h1 0@1; end h1 0`, "K6"},
	{"K6", breaks, "one hold tells it twice", strict, steps(two, `end h1 0; end h1 0`), "K6"},
	{"K6", keeps, "all are handled", strict, steps(two, `save h1 0@2; end h1 0`), ""},
	{"K6", edge, "two holds tell it after a fault", strict, steps(two, `save h1 0@2; end h1 0; take h2 0@2; end h2 0`), ""},
	{"K6", edge, "two holds tell it and nothing goes wrong", quiet, steps(two, `save h1 0@2; end h1 0; take h2 0@2; end h2 0`), "K6"},
	{"K6", edge, "the rest is trimmed", strict, `log 0 a1 -b1; take h1 0; do h1 0@1; trim 0@2; gap h1 0@1; end h1 0`, ""},
	{"K6", edge, "at most once", most, `log 0 a1; take h1 0; end h1 0`, ""},
}

// three are three records; hold 1 has handled all and saved one.
const three = `log 0 a1 b1 c1; take h1 0; do h1 0@1; save h1 0@1; do h1 0@2 0@3`

var duplicateExamples = []example{
	{"D1", breaks, "the same twice", strict, `log 0 a1 b1; take h1 0; do h1 0@1 0@2 0@2`, "D1"},
	{"D1", breaks, "from the beginning again", strict, `log 0 a1 b1; take h1 0; do h1 0@1 0@2 0@1 0@2`, "D1"},
	{"D1", breaks, "the same twice, in any order", byKey, `log 0 a1 b1; take h1 0; do h1 0@2 0@1 0@2`, "D1"},
	{"D1", keeps, "each once", strict, two, ""},
	{"D1", edge, "again in another hold", strict, steps(two, `lost h1 0; take h2 0; do h2 0@1 0@2`), ""},
	{"D1", edge, "two copies", loose, `sent #1 a1 0@1 dup; stored #1 a1 0@1; stored #1 a1 0@2; take h1 0; do h1 #1 a1 0@1; do h1 #1 a1 0@2`, ""},

	{"D2", breaks, "more than the window", strict, `log 0 a1 b1 c1; take h1 0; do h1 0@1 0@2 0@3; lost h1 0; take h2 0; do h2 0@1 0@2 0@3`, "D2"},
	{"D2", breaks, "one, at most once", most, steps(two, `lost h1 0; take h2 0; do h2 0@1`), "D2"},
	{"D2", keeps, "as much as the window", strict, steps(three, `lost h1 0; take h2 0@1; do h2 0@2 0@3`), ""},
	{"D2", edge, "what was delivered and not handled", strict, `log 0 a1 b1 c1; take h1 0; get h1 0@1; get h1 0@2; get h1 0@3; lost h1 0; take h2 0; do h2 0@1 0@2 0@3`, ""},
	{"D2", edge, "what was handled after the takeover", strict, `log 0 a1 b1 c1; take h1 0; get h1 0@1; get h1 0@2; get h1 0@3; take h2 0; done h1 0@1; done h1 0@2; done h1 0@3; do h2 0@1 0@2 0@3`, ""},
	{"D2", edge, "what the hold before the last had handled", strict, `log 0 a1 b1 c1; take h1 0; do h1 0@1 0@2 0@3; lost h1 0; take h2 0; get h2 0@1; lost h2 0; take h3 0; do h3 0@1 0@2 0@3`, "D2"},

	{"D3", breaks, "again after a clean hand-over", strict, steps(two, `save h1 0@1; clean h1 0@1; take h2 0@1; do h2 0@2`), "D3"},
	{"D3", breaks, "again and nothing goes wrong", quiet, steps(two, `save h1 0@1; free h1 0@1; take h2 0@1; do h2 0@2`), "D3"},
	{"D3", keeps, "nothing again", strict, `log 0 a1 b1; take h1 0; do h1 0@1; save h1 0@1; clean h1 0@1; take h2 0@1; do h2 0@2`, ""},
	{"D3", edge, "again after a hand-over that is not clean", strict, steps(two, `save h1 0@1; free h1 0@1; take h2 0@1; do h2 0@2`), ""},
	{"D3", edge, "again what an earlier hold had handled", strict, `log 0 a1 b1; take h1 0; do h1 0@1 0@2; lost h1 0; take h2 0; clean h2 0; take h3 0; do h3 0@1 0@2`, ""},
	{"D3", edge, "the release is told after the takeover", strict, steps(two, `save h1 0@1; take h2 0@1; clean h1 0@1; do h2 0@2`), "D3"},
}
