//go:build servers

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

func TestProfilesOnBrokers(t *testing.T) {
	broker := testenv.Run(t, testenv.Config{Fast: true})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-brokers", strings.Join(broker.Bootstrap(), ","), "-records", "50000"}, &out))
	for _, p := range append(producing, consuming...) {
		require.Contains(t, out.String(), p.name)
	}
	t.Log(out.String())
}
