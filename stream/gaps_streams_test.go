package stream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGapsOfAllStreamsAreOneError(t *testing.T) {
	ordered := Capabilities{KeyOrder: Flag{Support: Native}}
	have := []streamCapabilities{{"payments", Capabilities{}}, {"orders", ordered}, {"audit", Capabilities{}}}
	r := Requirements{KeyOrder: Emulated, Headers: Emulated}

	var gaps Gaps
	require.ErrorAs(t, missingAll(have, r), &gaps)
	var places []string
	for _, gap := range gaps {
		places = append(places, gap.Stream+" "+gap.Name)
		require.ErrorContains(t, gaps, "\n\t"+gap.Stream+": "+gap.Name+": want ")
	}
	require.Equal(t, []string{"payments KeyOrder", "payments Headers", "orders Headers", "audit KeyOrder", "audit Headers"}, places)
	require.ErrorContains(t, gaps, "5 requirements are not met")

	require.NoError(t, missingAll(have[1:2], Requirements{KeyOrder: Emulated}))
	require.NoError(t, missingAll(nil, r))
}
