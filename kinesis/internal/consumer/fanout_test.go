package consumer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

func TestShardsAreReadByEnhancedFanOut(t *testing.T) {
	run(t, 1, func(w *world) {
		w.set.FanOut = "us"
		w.put("k", "a", "b")
		w.putData("k", packed("k", "c", "d"))
		s := w.open(w.latestAgo("g"))
		claim := w.next(s)
		recs := w.take(claim, 4)
		require.Equal(w, []string{"a", "b", "c", "d"}, values(recs))
		w.save(claim, recs[2])
		w.release(claim, false)
		claim = w.next(s)
		require.Equal(w, []string{"d"}, values(w.take(claim, 1)))
		w.nothing(claim, 7*time.Minute) // longer than a subscription
		_, _, err := w.server.Split(name, claim.Hold().Partition)
		require.NoError(w, err)
		w.putAll("child")
		require.Empty(w, w.drain(claim))
		w.save(claim, recs[3])
		w.release(claim, true)
		seen := 0
		for range 2 {
			child := w.next(s)
			for _, k := range keys {
				if child.Hold().Owns([]byte(k)) {
					require.Equal(w, []string{"child"}, values(w.take(child, 1)))
					seen++
				}
			}
		}
		require.Equal(w, len(keys), seen)
		require.Zero(w, w.server.Ops()["GetRecords"])
	})
}

func TestReadingByFanOutEnds(t *testing.T) {
	run(t, 2, func(w *world) {
		w.set.FanOut = "us"
		w.putAll("0")
		for _, group := range []string{"", "g"} {
			c := w.config(group)
			c.End = stream.Latest()
			require.Len(w, all(w.read(c)), len(keys))
		}
	})
}

// latestAgo is the configuration of a group that began a minute ago.
func (w *world) latestAgo(group string) stream.SourceConfig {
	c := w.config(group)
	c.Start = stream.Since(time.Now().Add(-time.Minute))
	return c
}
