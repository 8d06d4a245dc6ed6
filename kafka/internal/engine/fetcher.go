package engine

import "github.com/streamport-go/streamport/stream"

// A Fetcher reads partitions at exact offsets, read-committed unless the settings say otherwise, and knows no groups. It
// never jumps: an offset that is out of range, or a log that was truncated, is told to the Receiver and the partition
// stands still until it is added again. Methods may be called from many goroutines, by the Receiver too and under its
// locks: they take note and return, wait for no I/O, and do not call the Receiver. Close waits.
type Fetcher interface {
	// Add begins to read partitions, each from its offset. One that is being read, or is paused, begins anew there. Number
	// is told with every block that this Add leads to (Block.Added), and with none that an earlier one led to: a partition
	// may be added again at the offset where it was added before.
	Add(at map[Partition]Offset, number int64)
	// Remove ends the reading of partitions. What the Receiver still gets of them it can tell by Block.Added.
	Remove(ps ...Partition)
	// Pause keeps partitions from being fetched further; what was fetched already may still come.
	Pause(ps ...Partition)
	// Resume undoes Pause.
	Resume(ps ...Partition)
	// Close ends all reading and waits for the fetcher's goroutines.
	Close()
}

// FetchConfig says what a Fetcher is for.
type FetchConfig struct {
	Member string // in the client id and in errors
}

// A Receiver takes what a Fetcher reads. Its methods are called from one goroutine at a time and must not block, nor call
// the Fetcher's Close.
type Receiver interface {
	// Fetched brings what follows in a partition, in order. It may hold no record: then only Next moved on.
	Fetched(p Partition, b Block)
	// Broken tells that a partition stands still: Map has been applied to err. A *Truncated is one of the errors.
	Broken(p Partition, err error)
}

// A Block is some records of one partition, in order, as the client library keeps them.
type Block struct {
	Records Records // nil: none
	Bytes   int     // of keys, values and headers
	Next    Offset  // where reading goes on after the block, markers of transactions and gaps of compaction included
	Stable  int64   // the last stable offset, or the high watermark when uncommitted records are read; -1: not known
	Oldest  int64   // the log's start; -1: not known
	Added   int64   // the number of the Add that it was read for: older blocks are known by it
}

// Records is a run of records that are converted as late as possible.
type Records interface {
	Len() int
	// Read sets every field of into[:n] from the records first to first+n and allocates nothing for records without headers.
	Read(first int, into []stream.Record)
}

// A Truncated says that the log ends before an offset that was read already (KIP-320): an unclean leader election lost
// records, or the topic was made anew.
type Truncated struct {
	Asked, End Offset // End.At is -1 if the brokers could not tell
}

// Error names both offsets.
func (t *Truncated) Error() string { return truncatedText(t) }
