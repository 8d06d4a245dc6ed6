//go:build !race

package memory_test

// replaySeeds is how many seeds are run twice and compared.
const replaySeeds = 1000
