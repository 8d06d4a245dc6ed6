package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestOutput(t *testing.T) {
	for name, args := range map[string][]string{
		"demanding": {"today.yaml", "tomorrow.yaml"},
		"modest":    {"-modest", "today.yaml", "tomorrow.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				require.NoError(t, run(t.Context(), args, &out))
				file := filepath.Join("testdata", name+".golden")
				if *update {
					require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, string(want), out.String())
			})
		})
	}
}

// Without arguments the program finds its files from the top of the repository, where go run ./examples/swap is
// called.
func TestOutputFromTheTop(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "demanding.golden"))
	require.NoError(t, err)
	t.Chdir(filepath.Join("..", ".."))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	require.Equal(t, string(want), out.String())
}

// Nothing that is missing may be left out, on either stream, nor its reason, nor a way out.
func TestEveryGapIsListed(t *testing.T) {
	c, err := streamport.LoadConfig("tomorrow.yaml")
	require.NoError(t, err)
	b, err := c.Open(t.Context())
	require.NoError(t, err)
	defer b.Close()
	_, err = openService(t.Context(), b, false)
	require.ErrorIs(t, err, stream.ErrUnsupported)

	have, err2 := b.Capabilities(t.Context(), "orders")
	require.NoError(t, err2)
	listed := 0
	for name, need := range map[string]stream.Requirements{"orders": orderNeeds, "invoices": invoiceNeeds} {
		var gaps stream.Gaps
		require.ErrorAs(t, have.Missing(need), &gaps)
		for _, gap := range gaps {
			listed++
			require.NotEmpty(t, gap.Reason, gap.Name)
			require.NotEmpty(t, gap.WayOut, gap.Name)
			for _, part := range []string{name + ": " + gap.Name, gap.Reason, gap.WayOut} {
				require.ErrorContains(t, err, part)
			}
		}
	}
	require.Equal(t, 4, listed)
}

func TestMistakesAreErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"no such file":                {"missing.yaml"},
		"an unknown flag":             {"-greedy"},
		"not a file of configuration": {"main.go"},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, run(t.Context(), args, &bytes.Buffer{})) })
	}
}
