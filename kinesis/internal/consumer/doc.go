// Package consumer reads streams: it is the stream.Source and the stream.Claim of Kinesis. A group shares shards by
// leases in a table; without a table one process reads all shards, or those that it is told.
package consumer
