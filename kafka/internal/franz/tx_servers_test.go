//go:build servers

package franz

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// TestTxOnServers does on real brokers what they and kfake do differently, and what all of it stands on. 4.4.0 has
// transaction.version 2 unless it is told otherwise, 3.9.2 has 1 (KIP-890).
func TestTxOnServers(t *testing.T) {
	for name, config := range map[string]testenv.Config{
		"4.4.0 TV2": {Version: "4.4.0"},
		"4.4.0 TV1": {Version: "4.4.0", Features: map[string]int16{"transaction.version": 1}},
		"3.9.2 TV1": {Version: "3.9.2"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := testenv.Run(t, config)
			run := func(name string, test func(b *txBed)) {
				t.Run(name, func(t *testing.T) {
					test(newTxBed(t, cluster.Bootstrap()))
				})
			}
			run("commit", commitShowsAll)
			run("abort", abortShowsNothing)
			run("offsets only", offsetsOnly)
			run("member that left", refusesMemberThatLeft)
			run("zombie", zombieIsFenced)
			run("same id", sameIDFences)
			run("crash", crashIsTakenOver)
			run("timeout", txTimeout)
			run("request lost", func(b *txBed) { lostAnswer(b, lostRequests, 1); lostAnswer(b, lostRequests, -1) })
			run("answer lost", func(b *txBed) { lostAnswer(b, lostAnswers, 1); lostAnswer(b, lostAnswers, -1) })
			run("partition not owned", partitionNotOwned)
			if config.Version == "4.4.0" {
				run("previous epoch", previousEpoch)
			}
		})
	}
}

// partitionNotOwned shows that the brokers take offsets of any partition from a member of the group, so that nothing but
// the claim's guard refuses them.
func partitionNotOwned(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in)
	c := b.claim(m)
	c.topic = b.out // the member does not even subscribe to it
	tx := b.begin(s)
	b.put(tx, "a")
	require.NoError(b, tx.Commit(b.Context(), c, checkpoint(5, "")))
	c.lost.Store(true)
	tx = b.begin(s)
	b.put(tx, "b")
	require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(6, "")), stream.ErrLost)
	got, err := b.client.Committed(b.Context(), b.in, b.out, []int32{0})
	require.NoError(b, err)
	require.EqualValues(b, 5, got[0].Offset.At)
}

// previousEpoch: under KIP-848 the epoch before is accepted while the member has had the partition since then (KIP-1251), a
// future one is not.
func previousEpoch(b *txBed) {
	s, m := b.sink(b.client, b.config("m", 1)), b.join(b.in, kgo.ServerSideBalancer())
	before := m.membership()
	b.join(b.in, kgo.ServerSideBalancer())
	require.Eventually(b, func() bool { return m.membership().Generation > before.Generation }, 20*time.Second, 20*time.Millisecond)
	c := b.claim(m)
	var kept []int32
	require.Eventually(b, func() bool {
		kept = m.owned()
		return len(kept) > 0 && len(kept) < 3
	}, 20*time.Second, 20*time.Millisecond)
	c.partition = int(kept[0])
	c.membership = func() engine.Membership { return before }
	tx := b.begin(s)
	b.put(tx, "previous")
	require.NoError(b, tx.Commit(b.Context(), c, checkpoint(5, "")))
	c.membership = func() engine.Membership {
		future := m.membership()
		future.Generation += 5
		return future
	}
	tx = b.begin(s)
	b.put(tx, "future")
	require.ErrorIs(b, tx.Commit(b.Context(), c, checkpoint(6, "")), stream.ErrLost)
	require.Equal(b, []string{"previous"}, b.visible())
}
