package stream_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// A loop that is spinning when the partition is asked back must say so at every moment: a return that looks like one
// before the end stops the whole run.
func TestAskedAtAnyMomentDoesNotStopTheRun(t *testing.T) {
	s := newStage()
	begun := make(chan struct{})
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
		begun <- struct{}{}
		for _, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	for range 100 {
		c := newStageClaim()
		c.records(1<<30, nil)
		s.claims <- c
		select {
		case <-begun:
		case err := <-result:
			t.Fatal("the run has stopped", err)
		}
		close(c.asked)
		<-c.released
	}
	close(s.claims)
	require.NoError(t, <-result)
}

// A save that finds the partition lost ends the loops too, and they must say that it is lost.
func TestLostInASaveAtAnyMomentIsToldByTheLoop(t *testing.T) {
	s := newStage()
	told := make(chan error, 1)
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
		var last error
		for rec, err := range p.Records(ctx) {
			if err == nil && rec.Position == at(1) {
				go func() {
					if err := p.Checkpoint(ctx, rec); ctx.Err() == nil {
						t.Error("Checkpoint has returned before the context was cancelled:", err)
					}
				}()
			}
			last = err
		}
		told <- last
		return nil
	})
	for range 100 {
		c := newStageClaim()
		c.records(1<<30, nil)
		c.checkpoint = func(context.Context, stream.Checkpoint) error { return stream.ErrLost }
		s.claims <- c
		require.ErrorIs(t, <-told, stream.ErrLost)
		close(c.lost)
		<-c.released
	}
	close(s.claims)
	require.NoError(t, <-result)
}
