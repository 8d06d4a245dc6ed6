package engine_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestWhatIsNotSentIsNotUnknown(t *testing.T) {
	err := engine.Unsent(engine.Unknown(&engine.KafkaError{Code: 7, Err: context.DeadlineExceeded}))
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	require.ErrorIs(t, err, context.DeadlineExceeded, "why those before failed stays reachable")
	var code *engine.KafkaError
	require.ErrorAs(t, err, &code)
	require.Equal(t, engine.Code(7), code.Code)
}
