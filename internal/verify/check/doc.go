// Package check judges a history: a pure function from what was done and seen, and what was promised, to a report. It
// forgives nothing that the promise does not name.
//
// The anomalies. A level allows one if the last column names the field of Level that does so; everything else is an
// anomaly at every level.
//
//	Code  What is wrong: how it is found | allowed if
//
//	What producers are told, and what stands in the logs in the end:
//	P1    an acknowledged record is lost: no final reading has it, and it was not trimmed | never
//	P2    a record that failed is there: a final reading or a delivery has it | never
//	P3    a record is stored twice: one UID at two positions | not Idempotent, and the answer says so or is unknown
//	P4    readers disagree about a position: two UIDs at one position, one position twice in a reading, a delivery
//	      that no final reading confirms, an unknown UID | never
//	P5    a key's records are stored out of order: KSeq goes back in a partition, or from one to another that
//	      replaces it; first copies of records that may not be late | not KeyOrder
//	P6    a key is in two partitions at a time: its records in two that do not replace each other | not KeyOrder, or
//	      Grows
//	P7    a record is not what was sent: the sum over key, value, headers and time differs | never
//	P8    an acknowledgement names the wrong place: the record is stored, and not there | never
//	P9    a transaction is visible in part: one of its records is stored and another is not | never
//	P10   a record is delivered before its commit: the delivery precedes the call of Commit, or there is none |
//	      never
//	P11   transactions are made from each other's records: a cycle of causes | never
//
//	What a group is given:
//	C1    a record is skipped inside a hold: it stands between two deliveries; with AnyOrder, between two of its key
//	      | never
//	C2    a hold goes back: a delivery behind the furthest, not seen before; with AnyOrder, behind one of its key,
//	      or while that is in work | never
//	C3    a hold begins too late: it skips records right after its checkpoint, or a partition that appeared later is
//	      not read from its beginning | AtMostOnce
//	C4    a hold begins too early: its first delivery is not after its checkpoint | never
//	C5    a key's records are first seen out of order: first deliveries by those who hold the partitions | not
//	      KeyOrder, or Grows
//	C6    a partition is served before those it replaces: a parent has records that were not handled, or whose
//	      checkpoint was not asked for, or is granted again later | never
//	C7    expired records are not reported, or others are: what a hold passed over, against its gaps and what was
//	      trimmed; with Quiet, any gap | never
//	C8    a delivery after the end: it follows the release, the loss or the close; or there never was such a hold |
//	      never
//	C9    a record is never seen: stored, due, neither delivered nor reported when drained | AtMostOnce
//
//	What a group saves:
//	K1    a checkpoint passes a record that is not settled: against the prefix that was handled, given up by a
//	      policy or reported when the call began | AtMostOnce
//	K2    a checkpoint goes back: below one that was answered before the call began | never
//	K3    a checkpoint of an older hold is accepted: the call began after the next hold did | not Fencing
//	K4    a checkpoint after the end is accepted: the call began after the release, the loss or the close; or there
//	      never was such a hold | never
//	K5    what is read is not what was saved: each hold's beginning and what is left in the end, against the
//	      checkpoints that must, and those that may be saved | never
//	K6    an end is told too early, or twice: a record of the partition is not handled then; twice by one hold, or
//	      with Quiet by any | never
//
//	What comes twice:
//	D1    a record comes twice in one hold: one position delivered twice | never
//	D2    too much comes again after a takeover: handled by former holds: more than Window and one; none with
//	      AtMostOnce | up to Window and one
//	D3    a record comes again after a clean hand-over: the hold before released it in order and had it saved; with
//	      Quiet, after any | Quiet and AnyOrder, as D2
//	D4    an input has two outputs: two stored records name it as their cause | not EOS
//	D5    an input has no output: none is stored although the checkpoint has passed it | not EOS
//
//	Whether it goes on, and what gets out:
//	L1    the group does not come to an end: not drained, or not within DrainIn of the last fault | never
//	L2    nothing succeeds although nothing is wrong: for QuietIn, between the last fault and the end | never
//	L3    a close overruns its deadline: by more than 100 ms | never
//	L4    a goroutine is left: the run says so | never
//	X1    an error is none of the contract's: its class is "unclassified",
//	      whatever follows | never
//	X2    a panic escapes: the run says so | never
//	X3    a secret is shown: the run says so | never
//
// What the checker does not hold against anybody:
//
//   - A record whose outcome is unknown may be stored or not, and, unless records are Idempotent, late and twice: it is
//     left out of P5, P6 and C5. So are records that may stand twice where anything was trimmed, since the first copy
//     may be gone.
//   - An acknowledgement without a position counts as trimmed as soon as anything of its stream was, of any stream if
//     its operations do not name one.
//   - A checkpoint whose outcome is unknown may be read or not; with Fencing the next hold's beginning settles that for
//     good. One that was called and never answered is the same.
//   - What a member that has lost a partition, or has given it back at the end of its grace, still handles is not
//     counted as handled before the takeover. A loss and what was begun within 0.1 ms of it may be recorded in any order.
//   - A hold that was lost before anything came of it is forgotten: its member may tell of it long after others have
//     had the partition.
//   - The end of a partition may be told after the partitions that replace it are served: whoever gives it back is
//     answered after the group knows. What counts is that its records were handled and their checkpoint was asked for.
//     A partition whose last record was trimmed counts as done.
//   - Records that were trimmed before the group was born, or that stand before its beginning, are no affair of the
//     group.
package check
