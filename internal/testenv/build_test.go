package testenv

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// metadata is a response of version 1 without topics.
func metadata(ids ...int32) []byte {
	text := func(b []byte, s string) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	b := binary.BigEndian.AppendUint32(nil, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(ids)))
	for i, id := range ids {
		b = text(binary.BigEndian.AppendUint32(b, uint32(id)), "127.0.0.1")
		b = binary.BigEndian.AppendUint32(b, 9092)
		if i%2 == 0 {
			b = text(b, "rack")
		} else {
			b = binary.BigEndian.AppendUint16(b, 1<<16-1)
		}
	}
	return append(b, 0, 0, 0, 1, 0, 0, 0, 0) // controller, topics
}

func TestBrokersAreReadFromMetadata(t *testing.T) {
	ids, err := brokersOf(metadata(1, 2, 3))
	require.NoError(t, err)
	require.Equal(t, []int32{1, 2, 3}, ids)
	whole := metadata(1, 2)
	for n := range len(whole) - 8 {
		_, err := brokersOf(whole[:n])
		require.ErrorIs(t, err, errShortMetadata, "%d bytes", n)
	}
}

func FuzzBrokersOf(f *testing.F) {
	f.Add(metadata())
	f.Add(metadata(1, 2, 3))
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, err := brokersOf(body)
		if err == nil && len(ids)*12 > len(body) {
			t.Fatalf("%d brokers in %d bytes", len(ids), len(body))
		}
	})
}

func TestEnsureBuildsOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made")
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := ensure(t.Context(), folder, func(_ context.Context, into string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(into, "file"), []byte("whole"), 0o600)
			})
			if err != nil {
				t.Error(err)
			}
			if text, err := os.ReadFile(filepath.Join(folder, "file")); err != nil || string(text) != "whole" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, builds.Load())
}

func TestEnsureStartsAgainAfterAFailure(t *testing.T) {
	parent := t.TempDir()
	folder := filepath.Join(parent, "made")
	broken := errors.New("broken")
	fail := func(_ context.Context, into string) error {
		return errors.Join(broken, os.WriteFile(filepath.Join(into, "half"), nil, 0o600))
	}
	require.ErrorIs(t, ensure(t.Context(), folder, fail), broken)
	require.NoDirExists(t, folder)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "half"), 0o755), "what an older program left behind")
	require.NoError(t, ensure(t.Context(), folder, func(context.Context, string) error { return nil }))
	require.NoDirExists(t, filepath.Join(folder, "half"))
	require.FileExists(t, filepath.Join(folder, ".complete"))
}

func TestLockIsWaitedForAsLongAsTheContextLasts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = lock(ctx, path)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()
	unlock, err = lock(t.Context(), path)
	require.NoError(t, err)
	unlock()
}

func TestPortsAreFreeAndDifferent(t *testing.T) {
	ports, err := freePorts(50)
	require.NoError(t, err)
	seen := make(map[int]bool)
	for _, port := range ports {
		require.False(t, seen[port])
		seen[port] = true
	}
	require.Len(t, seen, 50)
}

func TestLinesOfTheClientLibrary(t *testing.T) {
	for line, want := range map[string]KCLEvent{
		"running":                         {Kind: "running"},
		"lost\tshard":                     {Kind: "lost", Shard: "shard"},
		"failed\tshard: why":              {Kind: "failed", Text: "shard: why"},
		"granted\tshard\tTRIM_HORIZON\t0": {Kind: "granted", Shard: "shard", Sequence: "TRIM_HORIZON"},
		"record\tshard\t49\t3\tw6k=\t/w==\ttrue\t17": {Kind: "record", Shard: "shard", Sequence: "49", Sub: 3, Key: "é",
			Data: []byte{0xff}, Aggregated: true, Hash: "17"},
	} {
		got, err := parseKCL(line)
		require.NoError(t, err, line)
		require.Equal(t, want, got)
	}
	for _, line := range []string{"granted\tshard\t7\tx", "record\tshard\t49\t3\t!\t\tfalse\t", "record\tshard\t49", "a\tb\tc"} {
		_, err := parseKCL(line)
		require.Error(t, err, line)
	}
}

func TestLinesOfTheProducerLibrary(t *testing.T) {
	all, err := kplOutput("shard\t1\nshard\t2\n", 2)
	require.NoError(t, err)
	require.Equal(t, []Stored{{"shard", "1"}, {"shard", "2"}}, all)
	_, err = kplOutput("shard\t1\n", 2)
	require.Error(t, err, "one is missing")
	_, err = kplOutput("nothing\n", 1)
	require.Error(t, err)
	in := kplInput([]KPLRecord{{Key: "k", Hash: "7", Data: []byte("v")}})
	require.Equal(t, "aw==\t7\tdg==\n", in.String())
}
