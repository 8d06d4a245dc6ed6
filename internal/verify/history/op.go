// Package history is what a run of the workload did and saw: a sequence of operations, in memory, or one JSON object a
// line. It says nothing about what is right; package check does.
package history

import "github.com/streamport-go/streamport/stream"

// An Op is one thing that happened. Fields that an operation does not name in the comment of its kind are zero.
type Op struct {
	Seq   uint64          `json:"seq"`             // place in the history, from 1
	T     int64           `json:"t"`               // nanoseconds since the run began
	Proc  string          `json:"proc,omitempty"`  // the producer or member; a crash retires it
	Type  Type            `json:"type"`            // how far the operation has come
	F     Func            `json:"f"`               // what it does
	Part  string          `json:"part,omitempty"`  // "stream/partition"
	From  []string        `json:"from,omitempty"`  // Reshard: the partitions that Part replaces
	Hold  uint64          `json:"hold,omitempty"`  // numbers the holds of all members, from 1, in order of grants
	Pos   stream.Position `json:"pos,omitzero"`    // see the kinds
	Next  stream.Position `json:"next,omitzero"`   // Gap: the oldest record left
	UID   uint64          `json:"uid,omitempty"`   // unique a record; it is part of the record's value
	Key   string          `json:"key,omitempty"`   // the record's
	KSeq  uint64          `json:"kseq,omitempty"`  // counts the records of one producer and key, from 1
	Sum   uint32          `json:"sum,omitempty"`   // over key, value and headers, nil and empty told apart
	Txn   uint64          `json:"txn,omitempty"`   // the transaction that the record or checkpoint is part of
	Cause uint64          `json:"cause,omitempty"` // Produce in a transaction: the UID of its input
	Dup   bool            `json:"dup,omitempty"`   // Produce ok: the answer says that it may be stored twice
	Clean bool            `json:"clean,omitempty"` // Release: given back in order, all that was handled saved
	Err   string          `json:"err,omitempty"`   // the error's class
	Dur   int64           `json:"dur,omitempty"`   // Close: how long it took beyond its deadline, in nanoseconds
}

// A Type says how far an operation has come. A call whose outcome is not known ends as Info, never as Fail.
type Type string

// The types.
const (
	Invoke Type = "invoke" // begun
	OK     Type = "ok"     // happened
	Fail   Type = "fail"   // did not happen, and never will
	Info   Type = "info"   // may have happened, or may happen yet
	Note   Type = "note"   // seen, not called
)

// A Func is a kind of operation.
type Func string

// The kinds. Produce, Commit and Checkpoint have several types; the others are notes.
const (
	Produce    Func = "produce"    // UID, Key, KSeq, Sum, Txn; ok: Part, Pos, Dup
	Commit     Func = "commit"     // of transaction Txn
	Acquire    Func = "acquire"    // a hold begins: Part, Hold, Pos: after which it reads
	Deliver    Func = "deliver"    // Part, Hold, Pos, UID, Key, KSeq, Sum
	Handled    Func = "handled"    // the handler is done with it: Part, Hold, Pos, UID
	Skipped    Func = "skipped"    // a policy gave it up, or dead-lettered it: Part, Hold, Pos
	Checkpoint Func = "checkpoint" // Part, Hold, Pos, Txn; invoke, then ok, fail or info; an answer alone: Dur
	Gap        Func = "gap"        // records that expired unread: Part, Hold, Pos, Next
	Lost       Func = "lost"       // the hold is no longer: Part, Hold
	Release    Func = "release"    // the hold is over: Part, Hold, Clean, Pos: the checkpoint
	End        Func = "end"        // the partition is complete: Part, Hold
	Reshard    Func = "reshard"    // Part replaces From
	Trim       Func = "trim"       // Part up to and with Pos
	Crash      Func = "crash"      // of Proc
	Pause      Func = "pause"      // of Proc
	Resume     Func = "resume"     // of Proc
	Fault      Func = "fault"      // something was injected: Err
	Heal       Func = "heal"       // no fault comes after this
	Close      Func = "close"      // of Proc: Dur
	Escape     Func = "escape"     // what should have stayed inside: Err is "goroutine", "panic" or "secret"
	Stored     Func = "stored"     // at the end, by another reader: each record of each partition, in order; as Deliver
	Saved      Func = "saved"      // at the end: Part's stored checkpoint, Pos
	Drained    Func = "drained"    // the group has seen everything, at T
)
