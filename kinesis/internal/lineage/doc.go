// Package lineage decides where a group begins in a stream and in which order it reads the shards: the rows of the lease
// table for the shards that a listing tells, the threshold before which nothing is wanted, the gate that a child waits at
// for its parents, the end of a shard, and what is said when retention was faster than the group.
//
// The rules hold together across listings that lag, crashes between any two writes, lost answers, pauses past a lease and
// a fleet that was down for longer than the retention; model_test.go keeps them honest. In short:
//
//   - A group is its threshold, chosen once: the first row, the anchor, is written only if it is absent and says it.
//   - Every shard is read from the threshold, be it open, closed, a child or late; older records are dropped.
//   - Rows are made ancestors first. A parent that the listing does not tell gets a blind row, which nobody reads.
//   - A shard without a checkpoint waits until the row of each parent is at its end, or absent after it was there.
//   - A shard is gone only if the service says so and a listing agrees that began well after.
//   - A row is removed only after everything that could ask for it again is there.
package lineage
