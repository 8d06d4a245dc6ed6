package lineage_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lineage"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

func rows(all ...lease.Row) *stub { return &stub{table: lease.NewMemory(all...)} }

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestBirthAtLatestIsTheServicesClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(split()...)
		y := s.open(t, stream.Latest())
		born := lineage.Tip(time.Now().UnixMilli())
		require.Equal(t, born, y.Threshold())
		time.Sleep(time.Hour)
		require.Equal(t, born, s.open(t, stream.Start{}).Threshold(), "the start of a group is never chosen again")
		for _, id := range []string{zero, one, two} {
			from := y.From(s.row(t, id))
			require.Equal(t, api.From{Kind: api.AtTime, Time: time.UnixMilli(born)}, from, "every shard begins at the threshold")
		}
		require.False(t, y.Wanted(api.Record{Arrival: time.UnixMilli(born - 1)}))
		require.True(t, y.Wanted(api.Record{Arrival: time.UnixMilli(born)}))
	})
}

func TestSinceCountsWholeMilliseconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		at := time.Now().Add(-time.Hour)
		require.Equal(t, at.UnixMilli()+1, s.open(t, stream.Since(at.Add(time.Nanosecond))).Threshold())
	})
}

func TestATimeInTheFutureIsNotAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		y := s.open(t, stream.Since(time.Now().Add(time.Hour)))
		require.Equal(t, time.Now().UnixMilli(), y.From(s.row(t, zero)).Time.UnixMilli())
		require.False(t, y.Wanted(api.Record{Arrival: time.Now().Add(time.Minute)}))
	})
}

func TestAfterAPositionIsUnsupported(t *testing.T) {
	_, err := rows().try(stream.After(stream.MakePosition([3]uint64{0, 0, 7}, 0, 0)))
	require.ErrorIs(t, err, stream.ErrUnsupported)
}

func TestAListingWithAHoleIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(split()[:2]...)
		_, err := s.try(stream.Latest())
		require.ErrorContains(t, err, "hole")
		require.Greater(t, s.asked, 5)
		all, err := s.table.Scan(context.Background())
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

func TestRowsOfADeletedStreamAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		s.open(t, stream.Latest())
		time.Sleep(time.Hour)
		s.created = time.Now().Add(-time.Minute)
		_, err := s.try(stream.Latest())
		require.ErrorIs(t, err, lineage.ErrReborn)
		require.ErrorIs(t, err, stream.ErrInvalid)
	})
}

func TestAParentThatIsNotListedGetsABlindRow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(merged())
		y := s.open(t, stream.Start{})
		for _, id := range []string{zero, one, two} {
			require.True(t, s.row(t, id).Own.Blind, id)
			open, err := y.Gate(context.Background(), s.row(t, id))
			require.NoError(t, err)
			require.False(t, open)
		}
		require.ElementsMatch(t, []string{one, two}, s.row(t, three).Parents)
		open, err := y.Gate(context.Background(), s.row(t, three))
		require.NoError(t, err)
		require.False(t, open)

		time.Sleep(29 * time.Second)
		require.NoError(t, y.Pass(context.Background()))
		require.False(t, s.row(t, one).Ended(), "a listing may lag behind as long")
		time.Sleep(2 * time.Second)
		require.NoError(t, y.Pass(context.Background()))
		open, err = y.Gate(context.Background(), s.row(t, three))
		require.NoError(t, err)
		require.True(t, open)
		require.Empty(t, s.lost, "what expires in the first moments of a group is not promised")
	})
}

func TestABlindRowTakesItsLineageFromAListing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(merged())
		y := s.open(t, stream.Start{})
		all := split()
		all[1].Closed, all[2].Closed = true, true
		s.list(append(all, merged())...)
		require.NoError(t, y.Pass(context.Background()))
		require.False(t, s.row(t, one).Own.Blind)
		require.Equal(t, []string{zero}, s.row(t, one).Parents)
		require.Equal(t, upperHalf.First.String(), s.row(t, two).First)
		require.Equal(t, api.From{Kind: api.Oldest}, y.From(s.row(t, one)))
	})
}

func TestBlindRowsGoneLateAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(merged())
		y := s.open(t, stream.Start{})
		born := time.Now()
		time.Sleep(time.Hour)
		require.NoError(t, y.Pass(context.Background()))
		require.Len(t, s.lost, 3)
		require.Equal(t, shard.Whole(), s.lost[0].Range)
		require.Equal(t, born.Add(day/100-day).UTC(), s.lost[0].From.UTC())
		require.Equal(t, time.Now().Add(time.Second-day).UTC(), s.lost[0].To.UTC())
	})
}

func TestRowsOfJavaAreAnnotatedAndNotFenced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows(
			lease.Row{Key: one, Owner: "java", Counter: 5, Checkpoint: "17"},
			lease.Row{Key: two, Owner: "java", Counter: 6, Checkpoint: lease.AtLatest},
		)
		s.list(split()...)
		y := s.open(t, stream.Latest())
		require.Zero(t, y.Threshold(), "a group that is under way has nothing that it does not want")
		for id, counter := range map[string]int64{one: 5, two: 6} {
			r := s.row(t, id)
			require.Equal(t, counter, r.Counter)
			require.Equal(t, "java", r.Owner)
			require.NotNil(t, r.Own.Start)
			require.NotNil(t, r.Own.Pos)
		}
		require.Equal(t, api.From{Kind: api.AtSequence, Sequence: "17"}, y.From(s.row(t, one)))
		require.Equal(t, api.From{Kind: api.Oldest}, y.From(s.row(t, two)))
	})
}

func TestEligible(t *testing.T) {
	row := func(checkpoint string, parents ...string) lease.Row {
		return lease.Row{Key: three, Checkpoint: checkpoint, Parents: parents}
	}
	all := map[string]lease.Row{one: row(lease.AtEnd), two: row(lease.AtOldest)}
	blind := row(lease.AtOldest)
	blind.Own.Blind = true
	require.True(t, lineage.Eligible(row(lease.AtOldest), all))
	require.True(t, lineage.Eligible(row(lease.AtOldest, one), all))
	require.True(t, lineage.Eligible(row(lease.AtOldest, one, four), all), "a row that is removed was settled")
	require.False(t, lineage.Eligible(row(lease.AtLatest, one, two), all))
	require.True(t, lineage.Eligible(row("17", one, two), all), "what has begun goes on")
	require.False(t, lineage.Eligible(row(lease.AtEnd), all))
	require.False(t, lineage.Eligible(blind, all))
}

func TestEndMakesTheChildrenFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		y := s.open(t, stream.Latest())
		told := []shard.Child{
			{ID: one, Parents: []string{zero}, Range: lowerHalf}, {ID: two, Parents: []string{zero}, Range: upperHalf},
		}
		done, err := y.End(context.Background(), kept{s, zero}, nil, told, time.Now())
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, []string{one, two}, s.row(t, zero).Children)
		require.True(t, s.row(t, zero).Ended())
		require.Equal(t, y.Threshold(), *s.row(t, two).Own.Start)
		require.Equal(t, []string{zero}, s.row(t, two).Parents)
	})
}

func TestEndOfAMergeMakesTheOtherParentFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(shard.Shard{ID: one, Range: lowerHalf}, shard.Shard{ID: four, Range: upperHalf})
		y := s.open(t, stream.Latest())
		child := shard.Child{ID: three, Parents: []string{one, two}, Range: shard.Whole()}
		done, err := y.End(context.Background(), kept{s, one}, nil, []shard.Child{child}, time.Now())
		require.NoError(t, err)
		require.True(t, done)
		require.True(t, s.row(t, two).Own.Blind)
		open, err := y.Gate(context.Background(), s.row(t, three))
		require.NoError(t, err)
		require.False(t, open)
	})
}

func TestEndThatTellsTooFewChildrenWaitsForAListing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(listedZero)
		y := s.open(t, stream.Latest())
		ended := time.Now()
		told := []shard.Child{{ID: one, Parents: []string{zero}, Range: lowerHalf}}
		done, err := y.End(context.Background(), kept{s, zero}, nil, told, ended)
		require.NoError(t, err)
		require.False(t, done)
		require.False(t, s.row(t, zero).Ended())
		s.list(split()...)
		require.NoError(t, y.Pass(context.Background()))
		done, err = y.End(context.Background(), kept{s, zero}, nil, told, ended)
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, []string{one, two}, s.row(t, zero).Children)
	})
}

func TestGoneNeedsAListingThatBeganLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := rows()
		s.list(split()...)
		y := s.open(t, stream.Start{})
		time.Sleep(2 * day)
		s.list(shard.Shard{ID: one, Parent: zero, Range: lowerHalf}, shard.Shard{ID: two, Parent: zero, Range: upperHalf})
		since := time.Now()
		gone := func() bool {
			require.NoError(t, y.Pass(context.Background()))
			done, err := y.Gone(context.Background(), kept{s, zero}, nil, since)
			require.NoError(t, err)
			return done
		}
		require.False(t, gone())
		time.Sleep(30 * time.Second)
		require.False(t, gone())
		time.Sleep(time.Second)
		require.True(t, gone())
		require.True(t, s.row(t, zero).Ended())
		require.Len(t, s.lost, 1)
		require.Equal(t, time.Now().Add(time.Second-day).UTC(), s.lost[0].To.UTC())
	})
}

func TestAShardIsRemovedAfterItsParentsAndNeverTheAnchor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := func(id string, parents, children []string) lease.Row {
			start, now := int64(0), time.Now().UnixMilli()
			return lease.Row{
				Key: id, Checkpoint: lease.AtEnd, Parents: parents, Children: children,
				Own: lease.Own{Start: &start, Born: &now, Pos: &now},
			}
		}
		s := rows(
			ended(zero, nil, []string{one, two}), ended(one, []string{zero}, []string{three}),
			ended(two, []string{zero}, []string{three, four}),
			ended(three, []string{one, two}, nil),
		)
		s.list(merged())
		y := s.open(t, stream.Start{})
		require.NoError(t, y.Pass(context.Background()))
		all, err := s.table.Scan(context.Background())
		require.NoError(t, err)
		var left []string
		for _, r := range all {
			left = append(left, r.Key)
		}
		require.Equal(t, []string{zero, two, three}, left, "4 has no row yet, 3 is listed")
	})
}

func TestParentsHandDownStates(t *testing.T) {
	s := rows(
		lease.Row{Key: zero, Checkpoint: lease.AtEnd, Own: lease.Own{State: []byte("a"), Has: true}},
		lease.Row{Key: one, Checkpoint: lease.AtEnd, Parents: []string{zero}},
		lease.Row{Key: two, Checkpoint: lease.AtEnd, Parents: []string{zero}, Own: lease.Own{Has: true}},
	)
	s.list(append(split(), merged())...)
	bubble(t, func(t *testing.T) {
		y := s.open(t, stream.Start{})
		parents, err := y.Parents(context.Background(), lease.Row{Key: three, Parents: []string{one, two, four}})
		require.NoError(t, err)
		require.Len(t, parents, 2)
		require.Equal(t, one, parents[0].Partition)
		require.True(t, parents[0].Saved.Position.IsZero(), "it made no checkpoint")
		require.Equal(t, []byte("a"), parents[0].Replaces[0].Saved.State)
		require.False(t, parents[1].Saved.Position.IsZero(), "it made one, without a state")
		require.Nil(t, parents[1].Saved.State)
		require.Empty(t, parents[1].Replaces)
	})
}

func TestOrderPutsParentsFirst(t *testing.T) {
	all := append([]shard.Shard{merged()}, split()...)
	ids := func(selected ...string) (ids []string) {
		ordered, err := lineage.Order(all, selected)
		require.NoError(t, err)
		for _, sh := range ordered {
			ids = append(ids, sh.ID)
		}
		return ids
	}
	require.Equal(t, []string{zero, one, two, three}, ids())
	require.Equal(t, []string{two, three}, ids(three, two))
	_, err := lineage.Order(all, []string{four})
	require.ErrorIs(t, err, stream.ErrNotFound)

	selected := map[string]shard.Shard{two: {}, three: {}}
	finished := map[string]bool{}
	ready := func() bool {
		return lineage.Ready(merged(), selected, func(id string) bool { return finished[id] })
	}
	require.False(t, ready())
	finished[two] = true
	require.True(t, ready(), "1 is not selected")
}
