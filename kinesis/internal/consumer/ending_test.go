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

// Next hears of the end of a reading whichever comes first: the look at whether all is read, or the end of the last claim.
func TestNextHearsOfTheEndWhileClaimsAreReleased(t *testing.T) {
	const rounds, shards = 50, 4
	run(t, shards, func(w *world) {
		w.putAll("0")
		for range rounds {
			c := w.config("")
			c.End = stream.Latest()
			s := w.open(c)
			claims := make([]stream.Claim, shards)
			for i := range claims {
				claims[i] = w.next(s)
				for {
					if _, err := claims[i].Fetch(w.ctx, make([]stream.Record, 100)); err != nil {
						require.ErrorIs(w, err, io.EOF)
						break
					}
				}
			}
			ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
			ended := make(chan error, 1)
			go func() {
				_, err := s.Next(ctx)
				ended <- err
			}()
			var all sync.WaitGroup
			for _, claim := range claims {
				all.Go(func() { _ = claim.Release(w.ctx, true) })
			}
			all.Wait()
			require.ErrorIs(w, <-ended, io.EOF)
			cancel()
			w.close(s)
		}
	})
}
