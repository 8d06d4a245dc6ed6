package stream_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// untilDone is a call of a backend that hangs until its context ends.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Everything hangs as long as its context allows: the handler, a save of its own, the release and the leaving.
func TestGraceHoldsWhenEverythingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &hangingStage{newStage()}
		c := newStageClaim()
		c.records(1, nil)
		c.checkpoint = func(context.Context, stream.Checkpoint) error { <-c.released; return stream.ErrLost }
		c.release = func(ctx context.Context, _ bool) error { return untilDone(ctx) }
		s.claims <- c
		consumer, err := stream.NewConsumer(t.Context(), s, stream.ConsumerConfig{
			Group: "g", Streams: []string{"quakes"}, Grace: 5 * time.Second,
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		over := make(chan struct{})
		go func() {
			result <- consumer.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
				for rec := range p.Records(ctx) {
					_ = p.Checkpoint(context.Background(), rec)
				}
				<-over
				return nil
			})
		}()
		synctest.Wait()
		cancel()
		begun := time.Now()
		require.ErrorIs(t, <-result, stream.ErrGrace)
		require.Less(t, time.Since(begun), 6*time.Second)
		close(over)
	})
}

// hangingStage takes as long to leave as it may.
type hangingStage struct{ *stage }

func (s *hangingStage) OpenSource(context.Context, stream.SourceConfig) (stream.Source, error) {
	return hangingSource{stageSource{s.stage}}, nil
}

type hangingSource struct{ stageSource }

func (s hangingSource) Close(ctx context.Context) error { return untilDone(ctx) }

// The stop comes when the handler has returned already, and what follows it hangs.
func TestGraceHoldsForAHoldThatIsBeingSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		c := newStageClaim()
		c.records(1, nil)
		c.checkpoint = func(ctx context.Context, _ stream.Checkpoint) error { return untilDone(ctx) }
		c.release = func(ctx context.Context, _ bool) error { return untilDone(ctx) }
		s.claims <- c
		ctx, cancel := context.WithCancel(t.Context())
		result := s.run(t, ctx, stream.ConsumerConfig{Group: "g", Grace: 5 * time.Second},
			func(ctx context.Context, p *stream.Partition) error {
				for rec := range p.Records(ctx) {
					p.Done(rec)
					close(c.asked)
				}
				return nil
			})
		synctest.Wait()
		cancel()
		begun := time.Now()
		require.Error(t, <-result)
		require.Less(t, time.Since(begun), 6*time.Second)
	})
}

// Retries of a partition that is lost in words take longer than Grace; its release still has time.
func TestReleaseHasTimeAfterALongRegrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g", Grace: time.Second},
			func(ctx context.Context, p *stream.Partition) error {
				for _, err := range p.Records(ctx) {
					time.Sleep(time.Millisecond)
					return err
				}
				return nil
			})
		for range 10 {
			c := newStageClaim()
			c.records(0, stream.ErrLost)
			c.release = func(ctx context.Context, _ bool) error {
				select {
				case <-time.After(900 * time.Millisecond):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			s.claims <- c
			<-c.released
		}
		close(s.claims)
		require.NoError(t, <-result)
	})
}

// The handler's buffer for its state is its own again when CheckpointState returns.
func TestStateIsCopied(t *testing.T) {
	s := newStage()
	c := newStageClaim()
	c.records(2, errors.New("over"))
	s.claims <- c
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
		state := []byte("one")
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return nil
			}
			if rec.Position == at(1) {
				require.NoError(t, p.CheckpointState(ctx, rec, state))
				copy(state, "two")
			} else {
				require.NoError(t, p.Checkpoint(ctx, rec))
			}
		}
		return nil
	})
	require.ErrorContains(t, <-result, "over")
	require.Equal(t, "one", string(c.saved[1].State), "Checkpoint keeps the state that was saved before")
}

// A Checkpointer does not know that a partition is lost before it is acquired again; the claim does.
func TestCheckpointIsRefusedOnceLostIsClosed(t *testing.T) {
	s := newStage()
	c := newStageClaim()
	c.records(1, nil)
	s.claims <- c
	kept := stream.MemoryCheckpointer()
	refused := make(chan error, 1)
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g", Checkpointer: kept},
		func(ctx context.Context, p *stream.Partition) error {
			for rec, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				close(c.lost)
				err := p.Checkpoint(context.Background(), rec)
				require.ErrorIs(t, context.Cause(ctx), stream.ErrLost, "the context is cancelled first")
				refused <- err
			}
			return nil
		})
	require.ErrorIs(t, <-refused, stream.ErrLost)
	<-c.released
	close(s.claims)
	require.NoError(t, <-result)
	saved, err := kept.Load(t.Context(), stream.CheckpointKey{Group: "g", Stream: "quakes", Partition: "0"})
	require.NoError(t, err)
	require.True(t, saved.Position.IsZero())
}

// A limit that will not be reached costs nothing.
func TestBatchesOfAtMostVeryMany(t *testing.T) {
	s := newStage()
	c := newStageClaim()
	room := 0
	c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
		room = max(room, len(into))
		return 0, errors.New("over")
	}
	s.claims <- c
	result := s.run(t, t.Context(), stream.ConsumerConfig{Group: "g"}, func(ctx context.Context, p *stream.Partition) error {
		for _, err := range p.Batches(ctx, 10_000_000, time.Second) {
			return err
		}
		return nil
	})
	require.ErrorContains(t, <-result, "over")
	require.Less(t, room, 10_000)
}
