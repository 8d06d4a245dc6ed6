// Package stream is one API over partitioned logs: Apache Kafka, Amazon MSK, Amazon Kinesis Data Streams and memory. It
// holds the contract and everything that is written once for all backends, and imports the standard library only.
//
// # The model
//
//   - A stream is a Kafka topic, a Kinesis stream, a memory stream. A partition is a Kafka partition, a Kinesis shard.
//   - A [Record] has a key, a value, headers and a time. Its [Position] says where it stands in its partition; it is
//     opaque and ordered, and never an integer.
//   - A group shares the partitions of some streams among its members. A hold is one member's exclusive time with one
//     partition, a checkpoint the position up to which the group is done in a partition.
//
// "Commit" is said of transactions only. The dialect of a backend (topic, offset, shard, lease, sequence number) stays in
// the backend's package.
//
// # Reading
//
// A [Consumer] calls a [Handler] once for each hold. Code before the handler's loop runs when the partition is granted;
// the loop gets the records; code after the loop runs when the partition is asked back, has ended, or the run stops, while
// checkpoints still work; the cause of its context says when the partition is lost; to return gives the partition back.
// State per partition is local variables. There are no rebalance callbacks.
//
//	func handle(ctx context.Context, p *stream.Partition) error {
//		for rec, err := range p.Records(ctx) {
//			if err != nil {
//				return err
//			}
//			// work, then:
//			if err := p.Checkpoint(ctx, rec); err != nil {
//				return err
//			}
//		}
//		return nil
//	}
//
// [Each] makes a handler of a function for one record and checkpoints for it, [ByKey] does so for many keys at a time; both
// take a [Policy] for records that fail. A handler that works in any order calls [Partition.Done]; one that keeps a small
// state saves it with the position by [Partition.CheckpointState]; one that writes to a database of its own saves the
// checkpoint in the same transaction, by a [Checkpointer] and [Partition.Mark].
//
// Delivery is at least once: after a crash the next hold starts right after the checkpoint, and what was handled but not
// checkpointed comes again. Exactly-once processing is claimed for one thing only: read, process and write inside one
// Kafka cluster, by [Producer.Transact].
//
// # Writing
//
// A [Producer] keeps the order of each key where the stream can, whatever fails and is retried, and says of every record
// whether it is stored, not stored, or ([ErrUnknownOutcome]) not known to be.
//
// # Capabilities
//
// What differs between backends is said before a service starts: [Capabilities] are facts about one opened stream in the
// mode in which it is used, each with where it is known from and why. A service states its [Requirements] when it opens a
// producer or a consumer, and one error lists every gap. [Diff] says what a move changes. What was not there at open is
// ErrUnsupported at run time, never ignored.
//
// # Errors
//
// The sentinels ([ErrLost] and those beside it) are what a caller can act on; an [Error] adds the operation, the stream and
// the partition. No error and no log line holds a key, a value, a header or a secret of this library's; what a handler
// puts into its own errors is the handler's.
//
// # Backends
//
// A backend implements [Backend], [Sink], [Source] and [Claim], nothing else; each interface lists its rules, and package
// streamtest has a test for each. [Chunked] is an example of a Backend over a Backend: records are transformed there,
// never by wrapping a Consumer.
//
// # The files
//
//	record position start names errors event lag    what everything is made of
//	backend ensure checkpointer                     what others implement
//	capabilities requirements gaps diff             what a stream can do, and what a service needs
//	producer sending transaction                    writing
//	consumer run hold acquire                       a run, and the life of a hold
//	partition loop buffer ending saving prefix      what a handler sees, and when it is checkpointed
//	each parallel failure                           handlers made of functions
//	checkpointer_* chunk*                           checkpoints elsewhere; records over the limit
package stream
