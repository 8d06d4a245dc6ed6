package lineage_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

func at(n int) stream.Position {
	p, _ := shard.Position(strconv.Itoa(n), 0)
	return p
}

// page has the records first to last, which arrived now.
func page(first, last int) api.Page {
	p := api.Page{Next: "n", Behind: time.Second, Date: time.Now()}
	for n := first; n <= last; n++ {
		p.Records = append(p.Records, api.Record{Sequence: strconv.Itoa(n), Arrival: time.Now()})
	}
	return p
}

func follow(t *testing.T, s *stub, checkpoint string) (*lineage.Syncer, *lineage.Progress) {
	t.Helper()
	s.list(listedZero)
	y := s.open(t, stream.Latest())
	r := s.row(t, zero)
	if checkpoint != "" {
		r.Checkpoint = checkpoint
	}
	p, err := y.Follow(context.Background(), r)
	require.NoError(t, err)
	return y, p
}

func TestProgressFollowsWhatIsSettled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		y, p := follow(t, rows(), "")
		require.Equal(t, y.Threshold()-1, *p.Pos())
		time.Sleep(time.Minute)
		read := func(g api.Page, last stream.Position) {
			_, lost := p.Read(g, last)
			require.False(t, lost)
		}
		read(page(1, 3), at(3))
		first := time.Now()
		time.Sleep(time.Minute)
		read(page(4, 5), at(5))
		require.Equal(t, y.Threshold()-1, *p.Pos(), "nothing is settled")
		p.Settle(at(2))
		require.Equal(t, y.Threshold()-1, *p.Pos())
		p.Settle(at(3))
		require.Equal(t, first.UnixMilli()-1000, *p.Pos())

		time.Sleep(time.Minute)
		tip := api.Page{Next: "n", Date: time.Now()}
		read(tip, at(5))
		p.Settle(at(5))
		require.Equal(t, time.Now().UnixMilli()-1000, *p.Pos(), "at the tip all that arrived is settled")
		before := *p.Pos()
		time.Sleep(time.Minute)
		read(api.Page{End: true, Date: time.Now()}, at(5))
		require.Equal(t, before, *p.Pos(), "children have records that arrived before the end was read")
	})
}

func TestProgressTellsWhatRetentionTook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		y, p := follow(t, rows(), "")
		time.Sleep(day + time.Hour)
		g := page(1, 1)
		loss, lost := p.Read(g, at(1))
		require.True(t, lost)
		require.Equal(t, y.Threshold()-1, loss.From.UnixMilli())
		require.Equal(t, time.Now().Add(time.Second-day).UnixMilli(), loss.To.UnixMilli())
		require.Equal(t, shard.Whole(), loss.Range)
		require.Equal(t, y.Threshold()-1, *p.Pos(), "it is told again, until it is accepted")
		p.Accept(loss)
		_, lost = p.Read(g, at(1))
		require.False(t, lost)
		require.Equal(t, loss.To.UnixMilli(), *p.Pos())
	})
}

func TestNothingIsMissingAfterTheRecordOfTheCheckpoint(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p := follow(t, rows(), "7")
		time.Sleep(2 * day)
		_, lost := p.Read(page(7, 9), at(9))
		require.False(t, lost)

		_, p = follow(t, rows(), "7")
		time.Sleep(2 * day)
		_, lost = p.Read(page(8, 9), at(9))
		require.True(t, lost)
	})
}

func TestProgressForgetsDetailBeforeItGrows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, p := follow(t, rows(), "")
		for n := 1; n <= 5000; n++ {
			time.Sleep(time.Second)
			_, lost := p.Read(page(n, n), at(n))
			require.False(t, lost)
		}
		p.Settle(at(2500))
		middle := *p.Pos()
		require.Less(t, middle, time.Now().Add(-2499*time.Second).UnixMilli())
		p.Settle(at(5000))
		require.Equal(t, time.Now().UnixMilli()-1000, *p.Pos())
	})
}
