// Package shard knows how Kinesis divides a stream: hash keys, shards and their ranges, sequence numbers as positions. It
// imports nothing of the SDK.
package shard
