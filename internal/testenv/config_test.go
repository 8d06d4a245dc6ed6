package testenv_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
)

func TestEveryMistakeOfAConfigIsNamed(t *testing.T) {
	_, err := testenv.Start(t.Context(), testenv.Config{
		Version:    "../4.4.0",
		Nodes:      2,
		Heap:       "256m -version",
		Properties: map[string]string{"a": "b\nc=d"},
	})
	for _, part := range []string{`version "../4.4.0"`, "2 nodes", `heap "256m -version"`, `property "a"`} {
		require.ErrorContains(t, err, part)
	}
}

func TestMissingJavaIsAnError(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	_, err := testenv.Start(t.Context(), testenv.Config{})
	require.ErrorContains(t, err, "JDK")
}
