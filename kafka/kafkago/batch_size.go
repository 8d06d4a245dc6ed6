package kafkago

import "math/bits"

// lengthened is the bytes of n bytes with their length before them.
func lengthened(n int64) int64 { return varint(n) + n }

// varint is the bytes of a zigzag-encoded n that is not negative.
func varint(n int64) int64 { return int64(bits.Len64(uint64(n)<<1|1)+6) / 7 }

// signed is the bytes of any zigzag-encoded n.
func signed(n int64) int64 { return int64(bits.Len64(uint64(n)<<1^uint64(n>>63)|1)+6) / 7 }
