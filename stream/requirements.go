package stream

import "time"

// Requirements are what a service needs of a stream, under the names of Capabilities; a zero field asks for nothing. They
// are checked when a producer or a consumer is opened, and for a producer while it runs.
//
// Resharding, AutoScaling, Partitions, Throttling and the limits of single requests are told and not required: more of
// them is not better, or the library adapts to them.
type Requirements struct {
	PartitionOrder, KeyOrder, NilKeys, BinaryKeys, Headers, Tombstones, EventTime Support
	Groups, Fencing, IdempotentProduce, Transactions                              Support
	SeekTime, Compaction, PushDelivery, LagRecords, LagTime, Durability           Support

	MaxRecordBytes, MaxStateBytes                                                      int64 // at least so many bytes
	PartitionWriteBytes, PartitionWriteRecords, PartitionReadBytes, PartitionReadCalls int64 // at least so many a second; no limit is enough

	Retention time.Duration // records are kept at least so long
}
