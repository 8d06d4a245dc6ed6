package kafkago

import (
	"context"
	"encoding/binary"
	"net"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
)

// uncreating makes kafka-go's group ask for partitions without making the topics that do not exist. The wish to make them
// is the last byte of the Metadata requests that it sends.
func uncreating(
	dial func(context.Context, string, string) (net.Conn, error),
) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if l, ok := conn.(*line); ok {
			l.frames.begun = true // the first question of a group is not the one for versions
		}
		return &unwishing{Conn: conn}, nil
	}
}

// unwishing follows the requests of a connection. One goroutine writes at a time.
type unwishing struct {
	net.Conn
	head [headBytes]byte // of the request that is being written
	seen int64           // bytes of it
}

// A request begins with its size, its key and its version.
const (
	sizeBytes = 4
	headBytes = 8
)

// The versions of Metadata whose last byte is the wish; kafka-go sends 1, which has none, and 6.
const (
	firstWish = 4
	lastWish  = 7
)

// Write writes b, with the wishes in it taken away.
func (c *unwishing) Write(b []byte) (int, error) {
	ours := slices.Clone(b)
	for i, x := range b {
		if c.seen < headBytes {
			c.head[c.seen] = x
		}
		c.seen++
		if c.seen < sizeBytes || c.seen < sizeBytes+int64(binary.BigEndian.Uint32(c.head[:])) {
			continue
		}
		if c.seen > headBytes && c.wishes() && !mutated("topics are made by reading") {
			ours[i] = 0
		}
		c.seen = 0
	}
	return c.Conn.Write(ours)
}

func (c *unwishing) wishes() bool {
	key, version := binary.BigEndian.Uint16(c.head[4:]), binary.BigEndian.Uint16(c.head[6:])
	return key == uint16(protocol.Metadata) && version >= firstWish && version <= lastWish
}
