//go:build race

package lineage_test

// slow is true where a seed takes ten times as long.
const slow = true
