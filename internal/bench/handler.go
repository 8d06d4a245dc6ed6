package main

import (
	"context"

	"github.com/streamport-go/streamport/stream"
)

// checkpointEvery is how often the checkpointing styles save.
const checkpointEvery = 100

// byRecords reads record by record and saves nothing.
func byRecords(l *lane) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			l.add(rec.Value)
		}
		return nil
	}
}

// byRecordsCheckpointing reads record by record and saves after every checkpointEvery of them.
func byRecordsCheckpointing(l *lane) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		n := 0
		for rec, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			l.add(rec.Value)
			if n++; n%checkpointEvery == 0 {
				if err := p.Checkpoint(ctx, rec); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// byBatches reads in batches, as they come, and saves nothing.
func byBatches(l *lane) stream.Handler {
	return func(ctx context.Context, p *stream.Partition) error {
		for recs, err := range p.Batches(ctx, 0, 0) {
			if err != nil {
				return err
			}
			for i := range recs {
				l.add(recs[i].Value)
			}
		}
		return nil
	}
}

// byEach reads with stream.Each, which saves by itself.
func byEach(l *lane) stream.Handler {
	return stream.Each(func(_ context.Context, rec *stream.Record) error {
		l.add(rec.Value)
		return nil
	})
}

// byKeys reads with stream.ByKey, keysAtOnce keys at a time.
func byKeys(l *lane) stream.Handler {
	return stream.ByKey(keysAtOnce, func(_ context.Context, rec *stream.Record) error {
		l.addShared(rec.Value)
		return nil
	})
}

// keysAtOnce is how many keys ByKey works on at a time.
const keysAtOnce = 64
