//go:build servers

package field

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
)

func TestEveryInputHasOneOutput(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	v, err := Exactly{
		Version: testenv.DefaultVersion, Sharing: kafka.Cooperative, Inputs: 4_000, Kills: 4, Seed: 1, Java: true, Log: t.Output(),
	}.Run(ctx)
	t.Log(v)
	require.NoError(t, err)
	require.NoError(t, v.Err())
}
