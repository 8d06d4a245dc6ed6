package streammock_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/mock/gomock"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streammock"
)

// greet is the code under test: one record for each person, errors are the caller's.
func greet(ctx context.Context, p stream.Producer, name string) error {
	return p.Send(ctx, &stream.Record{Stream: "greetings", Key: []byte(name), Value: []byte("hello " + name)})
}

// Whether the record arrives, in order and once, is a question for the memory backend: it answers as a service does.
func TestGreetingArrives(t *testing.T) {
	ctx := t.Context()
	b, err := memory.Open(ctx, memory.Config{Streams: []stream.StreamConfig{{Name: "greetings", Partitions: 1}}})
	require.NoError(t, err)
	p, err := stream.NewProducer(ctx, b, stream.ProducerConfig{})
	require.NoError(t, err)
	require.NoError(t, greet(ctx, p, "ada"))
	require.NoError(t, p.Close(ctx))
	recs := b.Records("greetings")
	require.Len(t, recs, 1)
	require.Equal(t, "hello ada", string(recs[0].Value))
}

// That greet hands on an error that no simulator gives today, and sends one record and no more, is a question for a mock.
func TestGreetHandsOnTheError(t *testing.T) {
	refused := errors.New("out of ink")
	p := streammock.NewMockProducer(gomock.NewController(t))
	p.EXPECT().Send(gomock.Any(), gomock.Any()).Return(refused).Times(1)
	require.ErrorIs(t, greet(t.Context(), p, "ada"), refused)
}
