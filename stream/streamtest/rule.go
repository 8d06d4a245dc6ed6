package streamtest

import "slices"

// A rule is one sentence of the contract and the test that proves it.
type rule struct {
	name     string   // as in the comments of package stream
	sentence string   // the words there, on one line: what a failure says
	concerns []string // the fields of stream.Capabilities that it proves or refutes
	run      func(t *T)
}

// capability stands before the name of a rule about a field of stream.Capabilities.
const capability = "Capabilities."

// rules are all, in the order of the contract.
func rules() []rule {
	return slices.Concat(
		backendRules(), sinkRules(), txRules(), ensureRules(), producerRules(), txProducerRules(), lagRules(),
		flagRules(), limitRules(),
		consumerRules(),
	)
}
