// Package streamtest proves a backend of package stream against its contract. A backend's test is one call:
//
//	func TestConformance(t *testing.T) {
//		streamtest.Run(t, func(t testing.TB) streamtest.Harness {
//			return streamtest.Harness{Backend: open(t)}
//		})
//	}
//
// Each rule of the contract is a sentence in a comment of package stream, and has one test here, of the same name: what
// it says when it fails is that sentence. Each capability has a test too, from both sides: what is claimed must hold,
// what is not claimed must be refused. What cannot be tried, because the harness lacks an ability, is never passed over
// in silence: the Report says so, and why.
//
// The suite needs no more than a Backend that can make streams. What more it is given in the Harness, such as a way
// to crash a member or to split a partition, it uses; and where the backend allows, it runs in testing/synctest
// bubbles, in which days of retention pass at once.
//
// # Rules
//
// Each line is a rule, what it says, and in brackets the capabilities that it proves.
//
//   - CapabilitiesPerStream: Capabilities tells what this stream can do as it is configured now, not what the brand
//     can; a stream that does not exist is ErrNotFound. [Partitions]
//   - OpenedForMode: OpenSink returns a TxSink if and only if SinkConfig.Transactions is set, and refuses what it
//     cannot honour with ErrUnsupported. [Transactions]
//   - BackendClose: Close ends every sink and source that is still open; every handle answers ErrClosed from then on,
//     at once. A second Close returns what the first returned.
//   - DoneOnce: done runs exactly once for each record, on any goroutine, perhaps before Append returns; Ack.Record
//     is the record that was passed, on errors too.
//   - SliceNotKept: Append does not keep recs, the slice; it reads the records themselves until their done has run,
//     and never writes to them.
//   - AppendWaits: Append waits for buffer space until ctx ends; a record that found none fails with the context's
//     error and is not stored. Nothing else of ctx matters to a record once it is accepted.
//   - KeyOrder: where Capabilities say KeyOrder, records of one key are stored in the order in which Append took
//     them, whatever fails and is retried; a record that fails takes with it every record of its key that was
//     accepted before its done returned. Retries are the sink's alone. [KeyOrder]
//   - Outcome: an error that Is ErrUnknownOutcome means that the record may be stored; every other error, that it is
//     not. Ack.Duplicate says that a stored record may stand twice. [IdempotentProduce]
//   - SizeFirst: sizes are counted as the service counts them; a record over the limit fails with ErrTooLarge before
//     anything is sent, and others of the same call go on. [MaxRecordBytes]
//   - SinkFlush: Flush returns when every record accepted before it is done, or with the error of ctx.
//   - SinkClose: Close waits until every record is done, and when ctx ends fails the rest. When it returns, every
//     done has run. Then Append's records fail with ErrClosed. A second Close returns what the first returned.
//   - BeginWaits: Begin waits for a free session until ctx ends. [Transactions]
//   - TxAppend: as Sink's Append; done may wait for Commit. [Transactions]
//   - TxCommit: Commit makes all records and the checkpoint visible at once, or nothing. It flushes first, and if any
//     record failed it aborts and returns that error. c may be nil: produce only. After Commit, whatever it returned,
//     Abort is not called. [Transactions]
//   - TxUnknown: an error that Is ErrUnknownOutcome means that the commit may have happened; every other one, that
//     nothing is visible, ever. An unknown commit is never followed by an abort under the same epoch. [Transactions]
//   - TxFenced: Commit with a claim that is no longer held is ErrLost, and nothing is visible. [Transactions,
//     Fencing]
//   - TxAbort: after Abort nothing is visible, ever. [Transactions]
//   - TxForeign: a claim that is not of the same backend is ErrUnsupported. [Transactions]
//   - EnsureWaits: EnsureStream returns when the stream can be written to and read from.
//   - EnsureIdempotent: a stream that exists and has what was asked is nil; one that differs is ErrInvalid, naming
//     every field that differs, and is left as it is.
//   - EnsureRefuses: what the backend cannot give is ErrUnsupported, and nothing is made. [Compaction]
//   - SendAll: Send returns nil when all records are stored, else Failures: one entry for each record that is not
//     stored or not known to be. A record that can never be stored (nil, no stream, a stream not listed) makes Send
//     refuse them all before anything is sent.
//   - SendEnds: Send returns when ctx ends. Records unanswered by then are ErrUnknownOutcome and must never be
//     changed.
//   - AsyncOnce: done runs exactly once, perhaps before SendAsync returns, on any goroutine. It must not block, nor
//     call Send, SendAsync, Flush or Close. Ctx bounds the wait for buffer space only.
//   - AsyncSticky: with a nil done, a failure sticks: every later Flush and Close returns it, as in bufio.Writer.
//   - FlushAll: Flush returns when every record accepted before it is answered.
//   - Listed: if ProducerConfig.Streams is set, records to other streams are ErrUnsupported.
//   - ProducerWithdrawn: when a required capability goes away while the producer is open, every later call fails with
//     ErrUnsupported, naming it.
//   - ProducerClose: Close flushes and returns what Flush would; when ctx ends, or DeliveryTimeout and a second have
//     passed, what is left fails. Afterwards everything is ErrClosed. Every Close returns what the first returned.
//   - TransactOnce: Transact runs f once, commits if it returns nil, and aborts if it returns an error or panics; a
//     panic goes on to the caller. It does not nest. A producer not opened with Requirements.Transactions is
//     ErrUnsupported. [Transactions]
//   - TransactNothing: after an error nothing of the transaction is visible, except after ErrUnknownOutcome. The hold
//     does not rewind: call Transact again with the same records, or return; after ErrUnknownOutcome, return.
//     [Transactions]
//   - TxSend: Send returns once the records are accepted, or with the first failure that is known so far; they must
//     not change until Transact returns. A record that fails makes Transact abort and return its error.
//     [Transactions]
//   - TxOnePartition: Checkpoint adds the checkpoint of one partition to the transaction, by the rules of
//     Partition.Checkpoint; a second partition, one of another backend, and one whose checkpoints live in a
//     Checkpointer are ErrUnsupported. The last call of several counts. [Transactions]
//   - LagJoinsNothing: Lag tells how far the group is behind in every partition without joining it; what the backend
//     does not know is not known, not 0. [LagRecords, LagTime]
//   - Capabilities.PartitionOrder: a reader gets a partition's records in the order in which they are stored
//     [PartitionOrder]
//   - Capabilities.KeyOrder: a producer's records of one key are stored in the order in which it sent them [KeyOrder]
//   - Capabilities.NilKeys: a record without key is taken, and comes back without [NilKeys]
//   - Capabilities.BinaryKeys: any bytes are a key, the empty key and long ones too, and come back exactly
//     [BinaryKeys]
//   - Capabilities.Headers: headers come back, in order, repeats kept [Headers]
//   - Capabilities.Tombstones: a nil value comes back nil and an empty one empty [Tombstones]
//   - Capabilities.EventTime: Record.Time is stored [EventTime]
//   - Capabilities.Groups: members share partitions, and checkpoints are kept [Groups]
//   - Capabilities.Fencing: a member that has lost a partition cannot move its checkpoint [Fencing]
//   - Capabilities.IdempotentProduce: a retry never stores a record twice [IdempotentProduce]
//   - Capabilities.Transactions: records and a checkpoint become visible together, or never [Transactions]
//   - Capabilities.SeekTime: reading can start at a time [SeekTime]
//   - Capabilities.Compaction: this stream keeps the last record of each key, and earlier ones go [Compaction]
//   - Capabilities.Resharding: partitions can split and merge while in use, and keys keep their order [Resharding]
//   - Capabilities.AutoScaling: the service does so by itself [AutoScaling]
//   - Capabilities.PushDelivery: the service pushes records, readers need not poll [PushDelivery]
//   - Capabilities.LagRecords: lag is known as a number of records [LagRecords]
//   - Capabilities.LagTime: lag is known as a time [LagTime]
//   - Capabilities.ThrottleDelay: the service slows a user down by late answers (Kafka's quotas) [ThrottleDelay]
//   - Capabilities.ThrottleReject: the service refuses what is over its rates, and the library retries (Kinesis)
//     [ThrottleReject]
//   - Capabilities.Durability: an acknowledged record survives the loss of a machine [Durability]
//   - Capabilities.MaxRecordBytes: of one record, as the backend counts it [MaxRecordBytes]
//   - Capabilities.MaxStateBytes: of CheckpointState, in the backend; a Checkpointer has its own [MaxStateBytes]
//   - Capabilities.MaxRequestRecords: of one write request; the library splits [MaxRequestRecords]
//   - Capabilities.MaxRequestBytes: of one write request; the library splits [MaxRequestBytes]
//   - Capabilities.PartitionWriteBytes: per second [PartitionWriteBytes]
//   - Capabilities.PartitionWriteRecords: per second [PartitionWriteRecords]
//   - Capabilities.PartitionReadBytes: per second: of each reader with PushDelivery, of all together without
//     [PartitionReadBytes]
//   - Capabilities.PartitionReadCalls: per second, all readers together [PartitionReadCalls]
//   - Capabilities.Retention: Retention is how long a stream keeps records, compaction aside. [Retention]
//   - Capabilities.Partitions: that take records now; 0: not known [Partitions]
//   - RunServes: Run joins the group and calls the handler, once for each hold and in a goroutine of its own, for
//     every partition that it is granted. It returns nil when ctx ends, or when every partition has reached
//     ConsumerConfig.End. [Groups]
//   - RunGrace: when ctx is done, loops end before their next element, and handlers get Grace on a context that goes
//     on; then the member leaves. Run returns within Grace and a second, whatever handlers do.
//   - RunCause: a handler's context is cancelled only when going on is pointless, with a cause: ErrLost, or ErrGrace.
//   - RunReturn: a handler that returns an error, or returns nil while its partition goes on (judged by what its last
//     loop reported), stops the whole run, and Run returns that error or nil.
//   - RunUnfinished: a return at the end of the partition with delivered records not checkpointed is an error, unless
//     nothing keeps checkpoints.
//   - RunLost: a handler whose partition was lost is not at fault, and an error that Is ErrLost counts as lost. Where
//     the backend does not agree, the partition is granted again after 100 ms, doubling to 30 s, with an event.
//   - RunAfter: after the handler has returned, Done and Checkpoint are refused, those under way are waited for
//     (within Grace), the prefix of Done is saved, the return is judged, and the partition is released.
//   - RunSwallowed: a backend's error that the handler swallowed comes back from Run.
//   - RunPanic: a panic or Goexit of the handler stops Run and becomes an error with its stack; nothing is
//     checkpointed.
//   - RunStuck: a handler still running Grace after its partition was lost ends Run with an error that names the
//     partition. It is the one goroutine that nobody waits for.
//   - RunReleases: Run releases every partition before it leaves the group.
//   - RunOnce: a Run while another is under way is ErrInvalid.
//   - LoopOrder: records come in partition order, none skipped, none twice, the first right after the checkpoint.
//     [PartitionOrder]
//   - LoopEnds: a loop ends without an error when the partition is asked back, has ended, the run stops, or the
//     context that was passed ends; what was fetched and not yielded is not consumed. A lost partition yields
//     ErrLost, a backend's failure its error, as the last element.
//   - LoopOne: one loop at a time; a later one goes on after the last record (Batches: the last slice) yielded.
//   - RecordsStay: Records yields records that stay valid. Keeping one may keep its block of records alive.
//   - BatchesReuse: Batches reuses its slice at the next iteration: copy a Record to keep it. Its bytes are never
//     reused.
//   - BatchesWait: Batches yields at most max records (0: as they come). A wait > 0 counts from the iteration's
//     start: then it yields what has come, an empty slice if nothing has; with max 0 it bounds only the silence.
//   - CheckpointAll: Checkpoint says that rec and all before it are done. It refuses (ErrInvalid) a record that this
//     hold did not deliver. One below the saved checkpoint is nil and writes nothing; CheckpointState there is
//     ErrInvalid.
//   - CheckpointKeeps: Checkpoint keeps the state that was saved before.
//   - CheckpointLost: whoever no longer holds the partition gets ErrLost, and the stored checkpoint does not change.
//     [Fencing]
//   - CheckpointNowhere: with group "" and no Checkpointer, Checkpoint is ErrUnsupported, and Done saves nothing.
//   - DoneAnyOrder: Done takes records in any order from any goroutine; the contiguous prefix is saved every
//     ConsumerConfig.CheckpointEvery and when the handler has returned.
//   - DoneOnly: Done and Checkpoint do not mix in one hold. A Done that cannot be (mixed, or of a record that this
//     hold did not deliver) is the loop's next element, and comes back from Run.
//   - StateHanded: State is what was saved with the checkpoint: none or one, or, until the partition's own first
//     checkpoint, each parent's. After a split every child gets the parent's whole state: keep of it only what Owns.
//     [MaxStateBytes]
//   - CancelFirst: the handler's context is cancelled before any method returns ErrLost.
//   - EachOrder: records are handled one at a time, in partition order; with Park, in order within each key.
//     [KeyOrder, PartitionOrder]
//   - PolicyBounded: a record that fails is tried a bounded number of times, waits end when the hold ends, and what
//     happens then is told by an event: never a silent skip, never for ever.
//   - DeadLetterFirst: the dead letter is stored before the checkpoint passes the record.
//   - ByKeyOrder: records of equal keys are handled one after the other, in partition order. [KeyOrder]
//   - ByKeyBounded: at most 10,000 records, or 64 MiB, are read beyond the first that is not done.
//   - ByKeyNoState: a partition with a state is refused with ErrInvalid, since a state would be ahead of the prefix.
//   - AcquireBumps: Acquire adds one to the epoch and returns what is saved, in one write: from then on the epoch of
//     every earlier holder is refused. A key that is not stored is stored with epoch 1.
//   - LoadReads: Load changes nothing; a key that is not stored is the zero Checkpoint.
//   - SaveFenced: Save stores position and state in one write, only if c.Epoch is exactly the stored epoch, else it
//     is ErrLost and nothing changes.
//   - SaveForward: Save never moves a position back: that is ErrInvalid, and nothing changes.
//   - NextGrants: Next blocks until a partition is granted or ctx ends; a context that has ended is granted nothing.
//     A partition is granted to a member again only after that member has released its former claim, and to another
//     member only when this one has released it or has lost it. [Groups]
//   - NextChildren: a partition that replaces others is granted after all of them are finished, and is read from its
//     beginning; a parent that is trimmed, or that is not among SourceConfig.Partitions, counts as finished.
//     [Resharding]
//   - NextEnd: Next returns io.EOF when every selected partition has reached SourceConfig.End. [SeekTime]
//   - StartOnce: SourceConfig.Start is applied once per group, to the partitions that exist when the group first
//     reads the stream, and is saved before their first Fetch; partitions that appear later are read from their
//     beginning. [SeekTime]
//   - LiveName: a member's name that is alive in the group already is refused with ErrInvalid.
//   - SourceClose: Close leaves the group so that others need not wait for a time-out; Next returns ErrClosed.
//   - SeekOnce: Seek is called at most once, before Fetch: the position comes from a Checkpointer and replaces
//     Hold.Saved.
//   - FetchOrder: Fetch returns (n > 0, nil) or (0, error): records in partition order, none skipped, none twice, the
//     first right after the checkpoint. It sets every field of into[:n] but keeps no reference to into. It blocks
//     until there is a record, and the end of its context consumes nothing and is its error. [PartitionOrder]
//   - FetchEnd: io.EOF means that the partition, or the reading, is at its end, or that it was asked back: then Asked
//     is closed first.
//   - FetchLost: ErrLost means that the partition was taken. After Release, Fetch and Checkpoint return ErrLost,
//     those that are under way too.
//   - FetchExpired: a position that retention has passed is ErrExpired (an *Error with Asked and Oldest), never a
//     silent jump, unless SourceConfig.Expired says otherwise. [Retention]
//   - CheckpointFenced: Checkpoint is refused with ErrLost for whoever no longer holds the partition, and the stored
//     checkpoint is then unchanged: the test is part of the write. [Fencing]
//   - CheckpointWhole: position and state are stored in one write. A state over Capabilities.MaxStateBytes is
//     ErrTooLarge. [MaxStateBytes]
//   - ReleaseFree: Release gives the partition back at once. With finished, all to the end is checkpointed, wherever
//     checkpoints live: the partitions that replace it may be granted. An end that is SourceConfig.End ends this
//     reading only. After a loss Release does nothing.
package streamtest
