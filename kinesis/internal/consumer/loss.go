package consumer

import (
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/stream"
)

// lossError says what retention may have taken.
func lossError(name string, l lineage.Loss) *stream.Error {
	err := fmt.Errorf("%w: what arrived after %s and not after %s, of hash keys %v to %v, may be lost",
		stream.ErrExpired, stamp(l.From), stamp(l.To), l.Range.First, l.Range.Last)
	return &stream.Error{Op: "fetch", Stream: name, Partition: l.Shard, Err: err}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
