package franz

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTxAbortedOffsetIsNotSaved(t *testing.T) {
	t.Parallel()
	onFakes(t, func(b *txBed, _ *kfake.Cluster) { abortedOffsetIsNotSaved(b) })
}

// abortedOffsetIsNotSaved: the offset of a transaction that turned out to be aborted is not taken for the group's. If it
// were, nothing could tell what became of the second commit of the same offset.
func abortedOffsetIsNotSaved(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	c := b.claim(m)
	tx := b.begin(s)
	b.put(tx, "aborted")
	b.wire.lose(kmsg.EndTxn, lostRequests, -1)
	require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(5, "")), errAborted)
	b.wire.lose(kmsg.EndTxn, nothing, 0)
	require.Zero(b, c.saved.Load())
	require.Zero(b, b.saved(b.in))

	tx = b.begin(s)
	b.put(tx, "again")
	b.wire.lose(kmsg.EndTxn, lostAnswers, -1)
	require.NoError(b, tx.Commit(b.Context(), c, checkpoint(5, "")))
	b.wire.lose(kmsg.EndTxn, nothing, 0)
	require.EqualValues(b, 5, c.saved.Load())
	require.EqualValues(b, 5, b.saved(b.in).Offset.At)
	require.Equal(b, []string{"again"}, b.visible())
}
