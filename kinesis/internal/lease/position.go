package lease

import (
	"math"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

func position(checkpoint string, sub int64) stream.Position {
	if sub < 0 || sub > math.MaxUint32 {
		return stream.Position{}
	}
	p, _ := shard.Position(checkpoint, uint32(sub))
	return p
}
