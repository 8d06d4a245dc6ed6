package stream

import (
	"context"
	"log/slog"
	"time"
)

// A Backend is one log service, opened: what an adapter implements. Everything above it (the handler's life, loops,
// checkpoints by watermark, retries, dead letters) is written once in this package, for all backends.
//
// Methods may be called from many goroutines. Rules, each a test of package streamtest:
//   - CapabilitiesPerStream: Capabilities tells what this stream can do as it is configured now, not what the brand can;
//     a stream that does not exist is ErrNotFound.
//   - OpenedForMode: OpenSink returns a TxSink if and only if SinkConfig.Transactions is set, and refuses what it cannot
//     honour with ErrUnsupported.
//   - BackendClose: Close ends every sink and source that is still open; every handle answers ErrClosed from then on, at
//     once. A second Close returns what the first returned.
//
// What a backend can do beyond this it offers by LagReader, Ensurer and Abandoner.
type Backend interface {
	Capabilities(ctx context.Context, stream string) (Capabilities, error)
	OpenSink(ctx context.Context, c SinkConfig) (Sink, error)
	OpenSource(ctx context.Context, c SourceConfig) (Source, error)
	Close() error
}

// SinkConfig is what NewProducer asks of a backend. The package has filled in the defaults: no field that must have a
// value is zero.
type SinkConfig struct {
	Streams         []string      // what may be appended to; empty: any stream
	Member          string        // names the producer: stable transactional ids are made from it
	Transactions    bool          // open a TxSink
	Sessions        int           // how many transactions may be open at a time
	DeliveryTimeout time.Duration // from Append to done at the latest
	BufferedRecords int           // records accepted and not done, at most; Append waits
	BufferedBytes   int64         // their bytes as the backend counts them, at most
	Observe         func(Event)   // never nil; cheap where nobody listens, may be called from any goroutine
	Observed        bool          // somebody listens: per-batch measurements (Produced) are wanted
	Logger          *slog.Logger  // never nil
}

// A Sink takes records.
//
// Methods may be called from many goroutines. Rules:
//   - DoneOnce: done runs exactly once for each record, on any goroutine, perhaps before Append returns; Ack.Record is the
//     record that was passed, on errors too.
//   - SliceNotKept: Append does not keep recs, the slice; it reads the records themselves until their done has run, and
//     never writes to them.
//   - AppendWaits: Append waits for buffer space until ctx ends; a record that found none fails with the context's error
//     and is not stored. Nothing else of ctx matters to a record once it is accepted.
//   - KeyOrder: where Capabilities say KeyOrder, records of one key are stored in the order in which Append took them,
//     whatever fails and is retried; a record that fails takes with it every record of its key that was accepted before
//     its done returned. Retries are the sink's alone.
//   - Outcome: an error that Is ErrUnknownOutcome means that the record may be stored; every other error, that it is not.
//     Ack.Duplicate says that a stored record may stand twice.
//   - SizeFirst: sizes are counted as the service counts them; a record over the limit fails with ErrTooLarge before
//     anything is sent, and others of the same call go on.
//   - SinkFlush: Flush returns when every record accepted before it is done, or with the error of ctx.
//   - SinkClose: Close waits until every record is done, and when ctx ends fails the rest. When it returns, every done has
//     run. Then Append's records fail with ErrClosed. A second Close returns what the first returned.
type Sink interface {
	Append(ctx context.Context, recs []*Record, done func(Ack, error))
	Flush(ctx context.Context) error
	Close(ctx context.Context) error
}

// An Ack is a sink's answer about one record.
type Ack struct {
	Record    *Record
	Partition string   // where it was stored
	Position  Position // zero if the backend does not tell
	Duplicate bool     // an earlier try had an unknown outcome: the record may be stored twice
}

// A TxSink is a Sink that was opened for transactions.
//
// Rules:
//   - BeginWaits: Begin waits for a free session until ctx ends.
type TxSink interface {
	Sink
	Begin(ctx context.Context) (SinkTx, error)
}

// A SinkTx is one open transaction. Its methods are called from one goroutine at a time.
//
// Rules:
//   - TxAppend: as Sink's Append; done may wait for Commit.
//   - TxCommit: Commit makes all records and the checkpoint visible at once, or nothing. It flushes first, and if any
//     record failed it aborts and returns that error. c may be nil: produce only. After Commit, whatever it returned,
//     Abort is not called.
//   - TxUnknown: an error that Is ErrUnknownOutcome means that the commit may have happened; every other one, that nothing
//     is visible, ever. An unknown commit is never followed by an abort under the same epoch.
//   - TxFenced: Commit with a claim that is no longer held is ErrLost, and nothing is visible.
//   - TxAbort: after Abort nothing is visible, ever.
//   - TxForeign: a claim that is not of the same backend is ErrUnsupported.
type SinkTx interface {
	Append(ctx context.Context, recs []*Record, done func(Ack, error))
	Commit(ctx context.Context, c Claim, to Checkpoint) error
	Abort(ctx context.Context) error
}

// SourceConfig is what a Consumer asks of a backend. The package has checked it and filled in the defaults.
type SourceConfig struct {
	Group      string        // "": no sharing; every partition is granted, and Checkpoint is ErrUnsupported
	Member     string        // names this member of the group; never empty
	Streams    []string      // at least one
	Partitions []string      // only these, of the one stream; empty: all
	Start      Start         // where the group, or a reading without group, begins
	End        Start         // where to stop; zero: nowhere
	Expired    string        // what to do when retention has passed the position: ExpiredFail and on
	External   bool          // checkpoints live in a Checkpointer: Claim.Checkpoint is not called, Seek says where to begin
	Grace      time.Duration // how long handlers may take to give a partition back
	Observe    func(Event)   // never nil; cheap where nobody listens, may be called from any goroutine
	Logger     *slog.Logger  // never nil
}

// A Source grants partitions to one member, as a net.Listener accepts connections.
//
// Methods may be called from many goroutines. Rules:
//   - NextGrants: Next blocks until a partition is granted or ctx ends; a context that has ended is granted nothing. A
//     partition is granted to a member again only after that member has released its former claim, and to another member
//     only when this one has released it or has lost it.
//   - NextChildren: a partition that replaces others is granted after all of them are finished, and is read from its
//     beginning; a parent that is trimmed, or that is not among SourceConfig.Partitions, counts as finished.
//   - NextEnd: Next returns io.EOF when every selected partition has reached SourceConfig.End.
//   - StartOnce: SourceConfig.Start is applied once per group, to the partitions that exist when the group first reads the
//     stream, and is saved before their first Fetch; partitions that appear later are read from their beginning.
//   - LiveName: a member's name that is alive in the group already is refused with ErrInvalid.
//   - SourceClose: Close leaves the group so that others need not wait for a time-out; Next returns ErrClosed.
type Source interface {
	Next(ctx context.Context) (Claim, error)
	Close(ctx context.Context) error
}

// A Claim is one member's exclusive time with one partition.
//
// Fetch is called from one goroutine at a time, and so is Checkpoint; each may run beside the other and beside Release.
// Rules:
//   - SeekOnce: Seek is called at most once, before Fetch: the position comes from a Checkpointer and replaces
//     Hold.Saved.
//   - FetchOrder: Fetch returns (n > 0, nil) or (0, error): records in partition order, none skipped, none twice, the first
//     right after the checkpoint. It sets every field of into[:n] but keeps no reference to into. It blocks until there is
//     a record, and the end of its context consumes nothing and is its error.
//   - FetchEnd: io.EOF means that the partition, or the reading, is at its end, or that it was asked back: then Asked is
//     closed first.
//   - FetchLost: ErrLost means that the partition was taken. After Release, Fetch and Checkpoint return ErrLost, those that
//     are under way too.
//   - FetchExpired: a position that retention has passed is ErrExpired (an *Error with Asked and Oldest), never a silent jump, unless
//     SourceConfig.Expired says otherwise.
//   - CheckpointFenced: Checkpoint is refused with ErrLost for whoever no longer holds the partition, and the stored
//     checkpoint is then unchanged: the test is part of the write.
//   - CheckpointWhole: position and state are stored in one write. A state over Capabilities.MaxStateBytes is ErrTooLarge.
//   - ReleaseFree: Release gives the partition back at once. With finished, all to the end is checkpointed, wherever
//     checkpoints live: the partitions that replace it may be granted. An end that is SourceConfig.End ends this reading
//     only. After a loss Release does nothing.
type Claim interface {
	Hold() Hold
	Seek(ctx context.Context, after Position) error
	Fetch(ctx context.Context, into []Record) (int, error)
	Checkpoint(ctx context.Context, c Checkpoint) error
	Release(ctx context.Context, finished bool) error
}

// A Hold describes a claim. It does not change.
type Hold struct {
	Stream, Partition string
	Saved             Checkpoint            // where reading begins; zero: at the group's Start, or the beginning
	Replaces          []Parent              // the partitions that this one replaces, if it is new by a split or a merge
	Owns              func(key []byte) bool // whether records of the key belong to this partition; nil: not known, all do
	Asked             <-chan struct{}       // closed when the partition should be given back; never nil
	Lost              <-chan struct{}       // closed when the partition is no longer held; never nil
}

// A Parent is a partition that another one replaces.
type Parent struct {
	Partition string
	Saved     Checkpoint // its last
	Replaces  []Parent   // its own parents, for as far back as the backend knows them
}

// A LagReader is a Backend that can tell a group's lag without joining it. At, if not nil, tells the positions up to
// which the group is done instead of the backend's own checkpoints.
type LagReader interface {
	Lag(ctx context.Context, c SourceConfig, at func(stream, partition string) (Position, error)) ([]Lag, error)
}

// An Abandoner is a Backend that can do to a member of this process what kill -9 does, for tests and demonstrations: the
// member's Fetch and Checkpoint return ErrLost, Next returns ErrClosed, Release does nothing, and the group learns of it
// as it learns of a crash. A name that is not alive is ErrNotFound.
type Abandoner interface {
	Abandon(group, member string) error
}
