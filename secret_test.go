package streamport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

func TestSecretsAreMadeAndRevealed(t *testing.T) {
	t.Setenv("A_PASSWORD", "hunter2")
	fromEnv, err := streamport.SecretFromEnv("A_PASSWORD")
	require.NoError(t, err)
	fromFile, err := streamport.SecretFromFile(file(t, "password", "hunter2\n"))
	require.NoError(t, err)
	for _, s := range []streamport.Secret{streamport.NewSecret("hunter2"), fromEnv, fromFile} {
		require.Equal(t, "hunter2", s.Reveal())
		require.Equal(t, "*** *** *** *** ***", fmt.Sprintf("%v %+v %#v %q %x", s, s, s, s, s))
	}
	_, err = streamport.SecretFromEnv("NO_SUCH_VARIABLE_HERE")
	require.ErrorIs(t, err, stream.ErrInvalid)
}

// Whatever a reference stands for may be a secret: no message repeats it, whichever key it stands under.
func TestWhatReferencesStandForIsNotPrinted(t *testing.T) {
	const canary = "CANARY-e07b"
	t.Setenv("A_PASSWORD", canary)
	for _, key := range []string{
		"profile", "seed", "partitions", "assignment", "session", "tags", "unknown", "faults", "streams",
	} {
		_, err := streamport.LoadConfig(file(t, "c.yaml", "backend: memory\nmemory:\n  "+key+": '${A_PASSWORD}'\n"))
		require.ErrorIs(t, err, stream.ErrInvalid, key)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), canary, key)
	}
	for _, text := range []string{"backend: ${A_PASSWORD}", "backend: memory\nmemory: {unknown: " + canary + "}", "backend: memory\n" + canary} {
		_, err := streamport.LoadConfig(file(t, "c.yaml", text))
		require.ErrorIs(t, err, stream.ErrInvalid, text)
		require.NotContains(t, strings.ToUpper(err.Error()), canary, text)
	}
}
