package stream

import (
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzCheckpointFile(f *testing.F) {
	key := CheckpointKey{Group: "g%\xff", Stream: "s\x00", Partition: "%ff"}
	whole, err := encodeCheckpoints(key.Group, map[CheckpointKey]Checkpoint{key: {Epoch: 3, State: []byte{}}})
	require.NoError(f, err)
	f.Add(key.Group, whole)
	f.Add("", []byte(`{"schema":1,"group":"","crc32c":"29058c73","checkpoints":[]}`))
	f.Add("", []byte(`{"schema":2}`))
	f.Add("", []byte(`{"schema":1,"group":"","crc32c":"","checkpoints":null}`))
	f.Fuzz(func(t *testing.T, group string, data []byte) {
		saved, err := decodeCheckpoints(group, data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("neither corrupt nor too new: %v", err)
			}
			return
		}
		again, err := encodeCheckpoints(group, saved)
		require.NoError(t, err)
		twice, err := decodeCheckpoints(group, again)
		require.NoError(t, err)
		require.True(t, maps.EqualFunc(saved, twice, func(a, b Checkpoint) bool {
			return a.Position == b.Position && a.Epoch == b.Epoch && string(a.State) == string(b.State)
		}))
	})
}

func FuzzEscapedText(f *testing.F) {
	for _, s := range []string{"", "%", "a%2", "\xff%ff", "\u00e4"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		back, ok := unescapeText(escapeText(a))
		require.True(t, ok)
		require.Equal(t, a, back)
		require.Equal(t, a == b, escapeText(a) == escapeText(b))
		require.Equal(t, a == b, fileName(a) == fileName(b))
		if raw, ok := unescapeText(b); ok {
			require.Equal(t, b, escapeText(raw), "one escape for each text")
		}
	})
}
