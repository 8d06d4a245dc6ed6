package reader

import (
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

const (
	// guess is the size of a record, in bytes, before any was seen.
	guess = 1 << 10
	// full is how many bytes of an answer are asked for at most: after one that has all that an answer may have, the service
	// refuses calls for 5 s.
	full = 9 << 20
)

// An appetite says how many records to ask for. It follows growing records at once and shrinking ones slowly.
type appetite struct{ size float64 } // of a record, in bytes

func (a *appetite) limit(most int, room int64) int {
	size := max(a.size, 1)
	if a.size == 0 {
		size = guess
	}
	return max(min(int(float64(min(room, full))/size), most), 1)
}

func (a *appetite) learn(page api.Page) {
	if len(page.Records) == 0 {
		return
	}
	seen := max(float64(page.Bytes)/float64(len(page.Records)), 1)
	if seen < a.size {
		seen = a.size + (seen-a.size)/4
	}
	a.size = seen
}

// digest is how long an answer occupies the shard's read rate. The service lets bursts of less than a second pass.
func digest(bytes int) time.Duration {
	if bytes < byteRate {
		return 0
	}
	return time.Duration(float64(bytes) / byteRate * float64(time.Second))
}
