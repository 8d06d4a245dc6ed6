// Package memory is a deterministic simulator of a partitioned log service, and the client to it: a [stream.Backend]
// for unit tests, examples and demonstrations. It is not a channel with a nicer name. It refuses what the service
// that it stands for refuses, trims, rebalances, fences, throttles and forgets as that does, and it runs days of it
// in milliseconds inside a testing/synctest bubble, since it takes time from package time only.
//
//	b, err := memory.Open(ctx, memory.Config{Streams: []stream.StreamConfig{{Name: "orders", Partitions: 4}}})
//
// Streams are listed in Config.Streams or made by stream.EnsureStream; using one that does not exist is
// stream.ErrNotFound.
//
// # Profiles
//
// [Kafka] places keys by murmur2 as Java's default partitioner, names partitions "0", "1" and on, and numbers records
// by offset plus one, the number that Kafka commits. Markers of transactions, aborted records and compaction leave
// holes. Any key, headers, tombstones and event time are stored. A record's size is that of a batch that holds it
// alone, at most 1,048,588 bytes. Producing is idempotent; transactions are read committed. Partitions are only added
// (Grow), which moves keys. Records are kept for 7 days, judged by their own time every 5 minutes, each as if it were
// its own segment: a real broker keeps them a little longer. Groups rebalance cooperatively, or eagerly with
// Config.Assignment; a silent member is taken for dead after 45 s. State is at most 3,069 bytes, what 4,096 bytes of
// offset metadata hold as base64 behind a mark.
//
// [Kinesis] places keys by MD5 in hash ranges, names partitions "shardId-000000000000" and on, and numbers records by
// long numbers with holes; a child's exceed its parents'. Keys are 1 to 256 characters of UTF-8, and there are no
// headers, tombstones or event time, unless Config.Tags lets them ride in tags of an aggregate. A partition takes
// 1,000 records and 1 MiB a second and refuses the rest one by one; the sink tries again, with one unanswered record
// of each key at a time, so a refused record holds up its own key only. A try whose answer was lost is repeated and
// stands twice (Ack.Duplicate). Partitions split and merge; children are granted after all their parents are
// finished. Records are kept for 24 h by default. Distribute(auto) makes the stream ignore keys and takes KeyOrder
// away. Leases run out after 10 s. Reads that come back empty before the end are waited out inside Fetch. Enhanced
// fan-out is not simulated.
//
// [Strict], the default, promises only what both promise, and the worse of the two where they differ:
//   - keys of 1 to 256 characters of UTF-8; no headers, tombstones, event time, transactions, compaction or idempotent
//     retries;
//   - long positions with holes, of which only the order means anything;
//   - the size of a record is counted as Kafka counts it, and the limit is Kinesis' 1 MiB;
//   - state is at most 3,069 bytes;
//   - every member that comes or goes makes all members give all partitions back, and each new hold begins after the
//     last checkpoint: what was handled and not checkpointed is delivered again;
//   - a retry after a lost answer stands twice (Ack.Duplicate);
//   - partitions split and merge with lineage, records are kept for 24 h, lag is known as a time and not as a number;
//   - the rates of Kinesis are declared, so that Requirements see them, but nothing is refused for its rate.
//
// What passes on Strict is portable. Config.Like makes the simulator behave like a probed target instead: its flags and
// limits are taken over, and those that claim more than the simulator can do are refused by name.
//
// # Where the double is kinder than the service
//
// A test that asserts these proves nothing about a real service: records survive as long as the backend and no
// longer, whatever a Like says of Durability; a checkpoint that an unfenced service would take late is refused,
// except with a Like without Fencing; all partitions answer equally fast; a transaction is visible when its commit
// returns, in all partitions, where Kafka's readers see it a moment later; nothing is fetched ahead of a handler, so
// that what expires is missed at once; and no quota makes an answer late.
//
// # Time, and sizes of things
//
// Append stores before it returns and runs done before that, unless a rate limit or a fault makes a record wait.
// Config needs no goroutines; timers belong to the backend and end with Close. Records are kept encoded in slabs of
// up to 256 KiB with 29 bytes of overhead each; what a reader gets are parts of the slab.
//
// # Faults
//
// A [Script] names calls and what becomes of them: Fail is not carried out; ApplyThen is carried out, and the answer
// is late, false or lost, so that its caller cannot know; PauseNext holds a call at a [Barrier]; At does something at
// a time. Check fails the test if a fault has not fired. [Faults] are random instead, each with a rate, drawn from
// Config.Seed: a decision depends on what it is about and on how many such decisions came before, never on the order
// in which calls of different kinds arrive.
//
// With Config.Replay every call first sleeps a seeded virtual time, so that at most one goroutine is runnable: in a
// bubble, with handlers that run one at a time, the same seed gives the same history byte for byte. Goroutines that a test starts
// at one instant are not ordered by that: let them sleep for different times first.
//
// # Controls and helpers
//
// Abandon, Pause, Resume, Expel and Rebalance do to a member what happens to processes. Split, Merge, Grow, Trim,
// Retain, Compact and Distribute do to a stream what its operators do. Records, Checkpoint, Checkpoints, Members,
// Holder, Partitions and Injected tell what is there, and Settle waits until nothing is in flight or says what is
// stuck.
//
// # Files
//
// backend.go, config.go, profile.go, ensure.go and capabilities.go are the service; topic.go, partition.go, slab.go,
// cursor.go, retention.go and compact.go its log; sink.go, batch.go, lanes.go, try.go and transaction.go how records
// come in; group.go, assign.go, source.go and claim.go how they go out; fault.go, script.go, injector.go, dice.go and
// replay.go what goes wrong.
package memory
