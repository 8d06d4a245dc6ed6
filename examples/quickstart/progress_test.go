package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressIsSilentWhereNobodyLooks(t *testing.T) {
	require.Nil(t, newProgress(&bytes.Buffer{}, 10))
	f, err := os.Create(filepath.Join(t.TempDir(), "output"))
	require.NoError(t, err)
	defer f.Close()
	p := newProgress(f, 10)
	require.Nil(t, p)
	p.say("half")
	p.show(5)
	p.clear()
	size, err := f.Stat()
	require.NoError(t, err)
	require.Zero(t, size.Size())
}

func TestProgressShowsHowFarTheProgramIs(t *testing.T) {
	var screen bytes.Buffer
	p := drawProgress(&screen, 10)
	p.say("half of the events")
	p.show(5)
	require.Contains(t, screen.String(), "half of the events")
	p.show(10)
	require.Contains(t, screen.String(), "10/10")
}
