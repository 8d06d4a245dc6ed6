//go:build !mutants

package kafkago

// mutated is false: the branches that it guards are left out by the compiler. Built with -tags mutants, it says which
// deliberately broken variant of this package is to run, so that the proofs can be proved to reject it.
func mutated(string) bool { return false }
