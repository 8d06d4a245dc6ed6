package consumer_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// The shards of a reading are given back at the same time: Next hears of the last one, in whatever order that is noticed.
func TestEndIsHeardWhenShardsAreGivenBackTogether(t *testing.T) {
	const shards = 8
	run(t, shards, func(w *world) {
		for range 25 {
			c := w.config("")
			c.End = stream.Latest()
			s := w.open(c)
			var claims []stream.Claim
			for range shards {
				claim := w.next(s)
				w.drain(claim)
				claims = append(claims, claim)
			}
			ended := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
				defer cancel()
				_, err := s.Next(ctx)
				ended <- err
			}()
			var wg sync.WaitGroup
			for _, claim := range claims {
				wg.Go(func() { w.release(claim, true) })
			}
			wg.Wait()
			require.ErrorIs(w, <-ended, io.EOF)
			w.close(s)
		}
	})
}
