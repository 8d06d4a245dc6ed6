//go:build mutants

package kafkago

import "os"

// mutated reports whether the environment variable STREAMPORT_MUTANT names this variant.
func mutated(name string) bool { return os.Getenv("STREAMPORT_MUTANT") == name }
