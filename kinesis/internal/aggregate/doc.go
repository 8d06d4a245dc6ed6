// Package aggregate reads and writes the aggregates of Amazon's Kinesis Producer Library (KPL): several records in the data
// of one Kinesis record, "F3 89 9A C2", a protobuf message, its MD5. It imports nothing of the SDK.
package aggregate
