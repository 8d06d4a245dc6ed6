//go:build race

package kinesis_test

// raced says that the race detector slows everything down.
const raced = true
