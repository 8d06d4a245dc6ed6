package consumer_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A handler that is slower than its subscription gets every record once and in order, and keeps its lease: what is
// pushed meanwhile waits, and what a subscription that ended had left is asked for again.
func TestSlowHandlerOfPushedRecords(t *testing.T) {
	run(t, 1, func(w *world) {
		w.set.FanOut, w.set.BufferBytes = "us", 1<<10
		const records = 40
		for i := range records {
			w.put("k", strconv.Itoa(i))
		}
		claim := w.next(w.open(w.latestAgo("g")))
		for i := range records {
			rec := w.take(claim, 1)[0]
			require.Equal(w, strconv.Itoa(i), string(rec.Value))
			time.Sleep(time.Minute)
			w.put("k", strconv.Itoa(records+i))
			if i%10 == 0 {
				w.save(claim, rec)
			}
		}
		for i, rec := range w.take(claim, records) {
			require.Equal(w, strconv.Itoa(records+i), string(rec.Value))
		}
		require.False(w, isClosed(claim.Hold().Lost))
		require.Zero(w, w.server.Ops()["GetRecords"])
	})
}
