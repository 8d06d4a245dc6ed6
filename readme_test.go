package streamport_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every Go snippet of README.md stands, line for line, in an example that compiles and runs.
func TestReadmeSnippetsAreExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	example, err := os.ReadFile("example_readme_test.go")
	require.NoError(t, err)

	snippets := strings.Split(string(readme), "```go\n")[1:]
	require.NotEmpty(t, snippets)
	for _, snippet := range snippets {
		code, _, closed := strings.Cut(snippet, "```")
		require.True(t, closed, "a snippet without end")
		require.Contains(t, string(example), code)
	}
}
