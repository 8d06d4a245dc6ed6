package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTableSetsColumns(t *testing.T) {
	table := &Table{Title: "Title", Heading: []string{"side", "µs"}}
	table.add("a long name", "1")
	table.add("b", "22")
	var b strings.Builder
	require.NoError(t, table.write(&b))
	require.Equal(t, "Title\n\n  side         µs\n  a long name   1\n  b            22\n\n", b.String())
}
