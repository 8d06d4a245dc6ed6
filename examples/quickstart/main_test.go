package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport"
)

var update = flag.Bool("update", false, "write the golden file anew")

// repetitions is how often the output must be the same.
const repetitions = 20

// golden is the whole output on memory. The capability table is asked of the backend itself: its words are memory's
// to choose.
func golden(t *testing.T) string {
	t.Helper()
	b, err := streamport.Open(t.Context(), defaultURL+"&streams=quakes:4")
	require.NoError(t, err)
	have, err := b.Capabilities(t.Context(), "quakes")
	require.NoError(t, err)
	require.NoError(t, b.Close())
	file := filepath.Join("testdata", "memory.golden")
	table := fmt.Sprintf("\n%v\n", have)
	if *update {
		output := output(t)
		require.True(t, strings.HasSuffix(output, table))
		require.NoError(t, os.WriteFile(file, []byte(strings.TrimSuffix(output, table)), 0o644))
	}
	tables, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(tables) + table
}

// output runs the program.
func output(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	require.NoError(t, run(ctx, args, &out))
	return out.String()
}

// In a bubble the program runs as it is on the command line, and the second in which nobody notices the crash is no
// time.
func TestOutputIsTheSameAtEveryRun(t *testing.T) {
	want := golden(t)
	for range repetitions {
		synctest.Test(t, func(t *testing.T) { requireSame(t, want, output(t)) })
	}
}

// Outside a bubble goroutines run beside each other, and no rule about who is faster may be needed.
func TestOutputIsTheSameUnderARealClock(t *testing.T) {
	want := golden(t)
	for range repetitions {
		requireSame(t, want, output(t, "-url", "memory:?session=1ms"))
	}
}

func TestOutputIsTheSameByConfiguration(t *testing.T) {
	want := golden(t)
	yaml := filepath.Join(t.TempDir(), "strict.yaml")
	require.NoError(t, os.WriteFile(yaml, []byte("backend: memory\nmemory:\n  profile: strict\n  session: 1ms\n"), 0o600))
	requireSame(t, want, output(t, "-config", yaml))
	text := filepath.Join(t.TempDir(), "strict.json")
	require.NoError(t, os.WriteFile(text, []byte(`{"backend": "memory", "memory": {"session": "1ms"}}`), 0o600))
	requireSame(t, want, output(t, "-config", text))
}

func TestCountsAreRightOnEveryProfile(t *testing.T) {
	for _, profile := range []string{"strict", "kafka", "kinesis"} {
		t.Run(profile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requireRight(t, output(t, "-url", "memory:?profile="+profile))
			})
		})
	}
}

func TestCheckpointsLiveInADirectory(t *testing.T) {
	for _, profile := range []string{"strict", "kafka", "kinesis"} {
		t.Run(profile, func(t *testing.T) {
			dir := t.TempDir()
			url := "memory:?session=1ms&profile=" + profile
			inBackend := output(t, "-url", url)
			requireRight(t, inBackend)
			requireSame(t, inBackend, output(t, "-url", url, "-state", dir)) // where checkpoints live changes nothing
			files, err := filepath.Glob(filepath.Join(dir, "*.json"))
			require.NoError(t, err)
			require.Len(t, files, 1, "one file for the group")
		})
	}
}

func TestUsedGroupIsRefused(t *testing.T) {
	dir := t.TempDir()
	output(t, "-url", "memory:?session=1ms", "-state", dir)
	err := run(t.Context(), []string{"-url", "memory:?session=1ms", "-state", dir}, &bytes.Buffer{})
	require.ErrorContains(t, err, "another -group")
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for name, args := range map[string][]string{
		"an argument":         {"quakes"},
		"an unknown flag":     {"-topic", "quakes"},
		"two backends":        {"-url", "memory:", "-config", "streamport.yaml"},
		"an unknown backend":  {"-url", "memroy:"},
		"no such file":        {"-config", "missing.yaml"},
		"no such directory":   {"-state", filepath.Join("testdata", "missing")},
		"an impossible name":  {"-stream", "earth quakes"},
		"an unknown url key":  {"-url", "memory:?sesion=1s"},
		"a bad configuration": {"-config", filepath.Join("testdata", "memory.golden")},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, run(t.Context(), args, &bytes.Buffer{})) })
	}
}

func TestHelpNamesTheFlags(t *testing.T) {
	help := output(t, "-help")
	for _, name := range []string{"-url", "-config", "-stream", "-group", "-state"} {
		require.Contains(t, help, name)
	}
}

func TestInterruptEndsTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the crash is not noticed by then
		defer cancel()
		err := run(ctx, nil, &bytes.Buffer{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
