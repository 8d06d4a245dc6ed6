package franz

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
)

// errLoss is why records fail that came after records that a partition has lost.
var errLoss = errors.New("the partition has lost records that were stored before")

// losses are the partitions that have lost records: a broker refuses a batch since it does not know the one before it,
// which another broker had acknowledged (OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID, after an unclean election).
//
// By itself franz-go sends the refused batch again under a new epoch, so that it would stand after a hole that nobody was
// told of. Here everything fails that was accepted for the partition until the loss was seen, in order; what is sent later
// is stored, and other partitions go on. What was acknowledged before cannot be taken back: it is told by the log.
//
// Franz-go tells of the loss on a goroutine of its own while it asks for metadata, after which it sends again. Should it be
// sent by then, it is stored, and answered so.
type losses struct {
	ended <-chan struct{} // is closed: the Done of what has failed
	seen  atomic.Bool     // any

	mu    sync.Mutex      // guards what follows
	until map[spot]uint64 // the number of the last record that fails
}

type spot struct {
	topic     string
	partition int32
}

// lost is franz-go's callback.
func (s *sink) lost(topic string, partition int32) {
	s.config.Logger.Error("a partition has lost records that were stored: what waits for it fails, later records go on",
		slog.String("stream", topic), slog.Int("partition", int(partition)))
	l := &s.losses
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until[spot{topic, partition}] = s.numbers.Load()
	l.seen.Store(true)
}

// hit reports whether the record fails by a loss. Franz-go asks before it sends a batch, with the batch locked.
func (l *losses) hit(f *flight) bool {
	if !l.seen.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return f.number <= l.until[spot{f.native.Topic, f.native.Partition}]
}
