package producer_test

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// TestLostOrderIsLogged has the service give a record a lower sequence number than the one before it.
func TestLostOrderIsLogged(t *testing.T) {
	for number, logged := range map[string]bool{"9": true, "11": false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(1)
			f.fault = func(call int, _ []api.Entry) fault {
				return fault{result: func(results []api.Result) []api.Result {
					results[0].Sequence = map[int]string{1: "10", 2: number}[call]
					return results
				}}
			}
			var log bytes.Buffer
			c := someConfig()
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			r := open(t, f, someSettings(), c)
			r.send(keyed("secret", 2)...)
			r.shutDown()
			require.Equal(t, logged, bytes.Contains(log.Bytes(), []byte("order")), log.String())
			require.NotContains(t, log.String(), "secret")
		})
	}
}
