//go:build servers

package field

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/verify/workload"
)

func TestAHistoryOnKinesisIsSound(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	j, err := Kinesis{Policy: workload.PerBatch, For: 20 * time.Second, Seed: 1, Log: t.Output()}.Run(ctx)
	t.Log(j, j.Folder) // which is there if anything is wrong
	require.NoError(t, err)
	require.NoError(t, j.Err())
}
