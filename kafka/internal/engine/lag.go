package engine

import (
	"context"
	"sync"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// lagTime is how long Lag reads for the time of the oldest record behind each checkpoint, at most. Where none came until
// then, the lag in time is not known.
const lagTime = 5 * time.Second

// Lag tells how far a group is behind without joining it: from its checkpoint to the last stable offset. Offsets that hold
// no record, of markers and of compaction, count; where nothing but such is left, the lag is 0. Its time is the age of
// the first record behind the checkpoint, which is read. At, if not nil, tells checkpoints that live elsewhere.
func Lag(
	ctx context.Context, client Client, s Settings, c stream.SourceConfig,
	at func(stream, partition string) (stream.Position, error),
) ([]stream.Lag, error) {
	src := &Source{client: client, settings: s, config: c, ends: newEnds(stream.Start{}), topics: map[string]bool{}}
	if err := src.check(); err != nil {
		return nil, fault("lag", "", "", err)
	}
	topics, err := src.resolve(ctx)
	if err != nil {
		return nil, fault("lag", "", "", err)
	}
	var behind []*backlog
	for _, t := range topics {
		found, err := src.lagOf(ctx, t, at)
		if err != nil {
			return nil, fault("lag", t.Name, "", err)
		}
		behind = append(behind, found...)
	}
	if err := readOldest(ctx, client, c.Member, behind); err != nil {
		return nil, fault("lag", "", "", err)
	}
	lags := make([]stream.Lag, len(behind))
	for i, b := range behind {
		lags[i] = b.lag(time.Now())
	}
	return lags, nil
}

// A backlog is what one partition has behind its checkpoint.
type backlog struct {
	p          Partition
	checkpoint stream.Position
	from       Offset
	end        int64

	time time.Time // of the first record; zero: not known
	none bool      // there is no record before the end
}

func (b *backlog) lag(now time.Time) stream.Lag {
	l := stream.Lag{Stream: b.p.Topic, Partition: b.p.String(), Checkpoint: b.checkpoint, Records: stream.Count{Known: true}}
	switch {
	case b.none || b.from.At >= b.end:
		l.Millis.Known = true
	default:
		l.Records.N = b.end - b.from.At
		if !b.time.IsZero() {
			l.Millis = stream.Count{N: max(now.Sub(b.time).Milliseconds(), 1), Known: true}
		}
	}
	return l
}

// lagOf finds how far the group is in the partitions of a topic, and where they end.
func (s *Source) lagOf(
	ctx context.Context, t Topic, at func(stream, partition string) (stream.Position, error),
) ([]*backlog, error) {
	which := s.selected(t)
	from, saved, err := s.reached(ctx, t, which)
	if err != nil {
		return nil, err
	}
	ends, err := offsetsAt(ctx, s.client, t.Name, which, Edge{Kind: s.stable()})
	if err != nil {
		return nil, err
	}
	oldest, err := offsetsAt(ctx, s.client, t.Name, which, Edge{Kind: EdgeOldest})
	if err != nil {
		return nil, err
	}
	var behind []*backlog
	for _, n := range which {
		b := &backlog{p: Partition{Topic: t.Name, Number: n}, checkpoint: saved[n], from: from[n], end: ends[n].At}
		if at != nil {
			if b.checkpoint, err = at(t.Name, b.p.String()); err != nil {
				return nil, err
			}
			if !b.checkpoint.IsZero() {
				if b.from, err = offsetAfter(b.checkpoint); err != nil {
					return nil, err
				}
			}
		}
		if b.from.At < oldest[n].At {
			b.from = oldest[n]
		}
		behind = append(behind, b)
	}
	return behind, nil
}

// reached is where the group would read on in each partition, and what it has saved. It saves nothing itself.
func (s *Source) reached(ctx context.Context, t Topic, which []int32) (map[int32]Offset, map[int32]stream.Position, error) {
	found, saved := map[int32]Committed{}, map[int32]stream.Position{}
	var err error
	if s.config.Group != "" {
		if found, err = s.client.Committed(ctx, s.config.Group, t.Name, numbers(t)); err != nil {
			return nil, nil, err
		}
	}
	if len(found) == 0 {
		kind, _, _ := s.config.Start.Parts()
		from, err := startOffsets(ctx, s.client, s.stable(), t.Name, which, kind, s.config.Start)
		return from, saved, err
	}
	from := map[int32]Offset{}
	for _, n := range which {
		from[n] = Offset{Epoch: -1}
		if c, ok := found[n]; ok {
			from[n], saved[n] = c.Offset, positionAfter(c.Offset)
		}
	}
	return from, saved, nil
}

// readOldest reads the first record of each backlog.
func readOldest(ctx context.Context, client Client, member string, behind []*backlog) error {
	first := &firstRecords{open: map[Partition]*backlog{}, done: make(chan struct{})}
	at := map[Partition]Offset{}
	for _, b := range behind {
		if b.from.At < b.end {
			first.open[b.p] = b
			at[b.p] = b.from
		}
	}
	if len(at) == 0 {
		return nil
	}
	fetcher, err := client.OpenFetcher(first, FetchConfig{Member: member})
	if err != nil {
		return err
	}
	fetcher.Add(at, 1)
	timer := time.NewTimer(lagTime)
	defer timer.Stop()
	select {
	case <-first.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	fetcher.Close()
	return ctx.Err()
}

// firstRecords is a Receiver that takes the first record of each partition, until it has all.
type firstRecords struct {
	mu   sync.Mutex // guards what follows
	open map[Partition]*backlog
	done chan struct{}
}

// Fetched notes the time of the first record, or that there is none.
func (f *firstRecords) Fetched(p Partition, block Block) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.open[p]
	switch {
	case b == nil:
	case block.Records != nil && block.Records.Len() > 0:
		var first [1]stream.Record
		block.Records.Read(0, first[:])
		b.time, b.none = first[0].Time, offsetOf(&first[0]) >= b.end
		f.close(p)
	case block.Next.At >= b.end:
		b.none = true
		f.close(p)
	}
}

// Broken gives the partition up: its lag in time is not known.
func (f *firstRecords) Broken(p Partition, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[p] != nil {
		f.close(p)
	}
}

// close is done with a partition. The caller holds f.mu.
func (f *firstRecords) close(p Partition) {
	delete(f.open, p)
	if len(f.open) == 0 {
		close(f.done)
	}
}
