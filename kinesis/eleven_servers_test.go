//go:build servers

package kinesis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// The eleven on emulators, over real connections. Nothing is trimmed there: kinesis-local keeps everything.
func TestElevenOnEmulators(t *testing.T) {
	e := startEmulators(t)
	made := 0
	plainly := func(t *testing.T, play func(*testing.T)) { play(t) }
	perform(t, plainly, func(t *testing.T) *world {
		made++
		return e.eleven(t, fmt.Sprintf("eleven-%d", made))
	})
}

func (e *emulators) eleven(t *testing.T, name string) *world {
	l := e.lines(t, uint64(len(name)))
	open := func(t testing.TB) stream.Backend {
		c := l.config()
		c.Failover, c.PollEvery, c.SyncEvery, c.ListingLag = failover, 200*time.Millisecond, time.Second, time.Second
		b, err := kinesis.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	require.NoError(t, stream.EnsureStream(t.Context(), open(t), stream.StreamConfig{Name: name, Partitions: 1}))
	pause := func(member string) error { return l.pause("g", member) }
	return &world{
		stream: name, session: failover, open: open, pause: pause, take: pause,
		shards: func() []string {
			all, err := e.shards(t.Context(), name)
			require.NoError(t, err)
			var ids []string
			for _, s := range all {
				ids = append(ids, *s.ShardId)
			}
			return ids
		},
		split:  func(shard string) error { return e.split(t.Context(), name, shard) },
		merge:  func(left, right string) error { return e.merge(t.Context(), name, left, right) },
		resume: func(member string) error { return l.resume("g", member) },
		put:    func(t testing.TB, key string, data []byte) { putRaw(t, e.kinesis, name, key, data) },
	}
}
