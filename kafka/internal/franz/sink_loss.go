package franz

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
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
// Franz-go tells of a loss twice. Its callback runs on a goroutine of its own, beside the retry. Its log line comes first
// in the handling of the answer, with the partition locked, and is what counts: the batch is asked for its Done only after
// it, and so fails, and is not made ready to be sent again. That matters beyond the hole. A batch behind it that is put
// into a request just then is taken out again, and franz-go (1.22.2) would go on from that one: the refused batch would
// never be sent nor answered, nor anything after it. A franz-go with other lines leaves it to the callback.
type losses struct {
	ended <-chan struct{} // is closed: the Done of what has failed
	seen  atomic.Bool     // any
	heard atomic.Bool     // by a log line: callbacks are late

	mu    sync.Mutex      // guards what follows
	until map[spot]uint64 // the number of the last record that fails
}

type spot struct {
	topic     string
	partition int32
}

// lost is franz-go's callback. The log is the user's, so it is written to here, where no partition is locked.
func (s *sink) lost(topic string, partition int32) {
	s.config.Logger.Error("a partition has lost records that were stored: what waits for it fails, later records go on",
		slog.String("stream", topic), slog.Int("partition", int(partition)))
	if !s.losses.heard.Load() {
		s.fail(spot{topic, partition})
	}
}

// fail notes that what was accepted for the partition fails.
func (s *sink) fail(at spot) {
	l := &s.losses
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until[at] = s.numbers.Load()
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

// A listener reads the lines of franz-go's log for losses, and passes them on.
type listener struct {
	sink *sink
	to   *slog.Logger // nil if nobody wants them
}

// Level is that of the lines about losses.
func (listener) Level() kgo.LogLevel { return kgo.LogLevelInfo }

// Log notes a loss, and passes on what the log wants.
func (l listener) Log(level kgo.LogLevel, message string, attributes ...any) {
	if level == kgo.LogLevelInfo {
		if at, ok := lossOf(message, attributes); ok {
			l.sink.losses.heard.Store(true)
			l.sink.fail(at)
		}
	}
	if l.to == nil {
		return
	}
	if to := (logger{l.to}); level <= to.Level() {
		to.Log(level, message, attributes...)
	}
}

// lossOf returns the partition that a line says has lost records. Between the two parts of the message stands the code.
func lossOf(message string, attributes []any) (at spot, ok bool) {
	if !strings.HasPrefix(message, "batch errored with ") ||
		!strings.HasSuffix(message, "failing the producer ID and resetting all sequence numbers") {
		return spot{}, false
	}
	at.partition = -1
	for i := 0; i+1 < len(attributes); i += 2 {
		switch value := attributes[i+1].(type) {
		case string:
			if attributes[i] == "topic" {
				at.topic = value
			}
		case int32:
			if attributes[i] == "partition" {
				at.partition = value
			}
		}
	}
	return at, at.topic != "" && at.partition >= 0
}
