//go:build servers

package field

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// Members of the mixed fleet are on franz-go and on kafka-go, and each that is killed is replaced by one on the other.
func TestAHistoryOnRealBrokersIsSound(t *testing.T) {
	for _, through := range []client.Library{client.Franz, client.KafkaGo, client.Mixed} {
		t.Run(string(through), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			j, err := Long{
				Version: testenv.DefaultVersion, Client: through, Sharing: kafka.Cooperative, Policy: workload.PerBatch, For: 12 * time.Second,
				Seed: 1, Log: t.Output(),
			}.Run(ctx)
			t.Log(j, j.Folder) // which is there if anything is wrong
			require.NoError(t, err)
			require.NoError(t, j.Err())
		})
	}
}
