//go:build race

package memory_test

// replaySeeds is less under the race detector, which looks for races and not for replays: it makes each run ten times as
// long.
const replaySeeds = 100
