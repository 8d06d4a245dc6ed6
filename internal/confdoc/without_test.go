package confdoc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/confdoc"
)

func TestWithoutKeepsTheNumbersOfOtherItems(t *testing.T) {
	root, mistakes := confdoc.ParseYAML([]byte("routes: [a:1, b:2, c:0, {name: d, parts: 3}]\nname: x"), "f.yaml")
	require.Empty(t, mistakes)
	s, found := readTree(root.Without("routes[0]").Without("routes[1]").Without("routes[3].parts").Without("name"), nil)
	require.Equal(t, []string{`1 routes[2].parts: "0": must be more than 0; leave the key out for the default`}, found)
	require.Equal(t, []route{{"c", 0}, {"d", 0}}, s.Routes)
	require.Empty(t, s.Name)
	s, _ = readTree(root, nil)
	require.Len(t, s.Routes, 4, "the tree itself is unchanged")
}
