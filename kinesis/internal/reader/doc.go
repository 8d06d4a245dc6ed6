// Package reader reads one shard: by polling, at a pace that leaves room for others, or by enhanced fan-out.
package reader
