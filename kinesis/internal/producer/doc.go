// Package producer appends records to Kinesis streams: it places, packs, paces and retries them. It is the only layer
// that retries.
//
// A record becomes an item of its lane, the records of one key that are not done. A lane's first items become a parcel:
// one Kinesis record, or in ByShard a part of one. Parcels stand in the line of the shard where they are expected to
// arrive, whose pace says when they may go; one goroutine a stream, the dispatcher, makes requests of what may. In the
// ordered modes a lane has one parcel at a time, from when it stands in line until it is stored or has failed: nothing
// of a key can overtake.
//
// Where a record is expected only decides when it is sent, never whether it is stored or in what order.
package producer
