package main

import (
	"context"
	"crypto/md5" // the service's own way from a key to a shard
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/stream"
)

// Limits of a shard (API operation PutRecords), and what a PUT payload unit is (Kinesis pricing).
const (
	shardBytesLimit   = 1 << 20
	shardRecordsLimit = 1_000
	payloadUnit       = 25 << 10
)

// offerTimeout is how long a record may take: where more is offered than goes, those of frequent keys wait for long.
const offerTimeout = 5 * time.Minute

// offerers is how many goroutines send, each to all shards.
const offerers = 8

// An offer is records that are offered to a stream faster than it takes them, by some goroutines.
type offer struct {
	keys       [][]string // of each shard; every shard gets as many records
	valueBytes int
	warm, time time.Duration // before anything is counted, and counted
}

// An uptake is what the service took of it.
type uptake struct {
	sent                    int64 // records of the user that were stored, from the beginning
	stored, units           int   // Kinesis records, and their payload units, from the beginning
	records, bytes          int   // while it was counted
	throttled               float64
	recordsShare, byteShare float64 // of all shards' limits
}

// make makes the offer to a world.
func (f offer) make(o bubbleOptions, w *kinesisWorld, c kinesis.Config) (u uptake, err error) {
	ctx := context.Background()
	backend, err := w.open(ctx, &road{world: w}, c)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	producer, err := stream.NewProducer(ctx, backend, stream.ProducerConfig{
		Streams: []string{streamName}, DeliveryTimeout: offerTimeout,
	})
	if err != nil {
		return u, err
	}
	began := time.Now()
	var sent atomic.Int64
	var failed fault
	var crew sync.WaitGroup
	for i := range offerers {
		crew.Go(func() { failed.add(f.send(ctx, producer, rand.New(rand.NewPCG(o.seed, uint64(i))), began, &sent)) })
	}
	crew.Wait()
	if err := errors.Join(failed.first(), producer.Close(ctx)); err != nil {
		return u, err
	}
	u.sent = sent.Load()
	return u, u.count(w, began.Add(f.warm), f.time)
}

// send sends until the time is over.
func (f offer) send(
	ctx context.Context, p stream.Producer, dice *rand.Rand, began time.Time, sent *atomic.Int64,
) error {
	var failed fault
	value := make([]byte, f.valueBytes)
	done := func(_ stream.Ack, err error) {
		failed.add(err)
		sent.Add(1)
	}
	for time.Since(began) < f.warm+f.time && failed.first() == nil {
		keys := f.keys[dice.IntN(len(f.keys))]
		p.SendAsync(ctx, &stream.Record{Stream: streamName, Key: []byte(keys[dice.IntN(len(keys))]), Value: value}, done)
	}
	return errors.Join(failed.first(), p.Flush(ctx))
}

// count reads what the service has stored.
func (u *uptake) count(w *kinesisWorld, from time.Time, length time.Duration) error {
	all, err := w.stored()
	if err != nil {
		return err
	}
	shards, err := w.service.OpenShards(streamName)
	if err != nil {
		return err
	}
	u.stored = len(all)
	for _, r := range all {
		size := len(r.Key) + len(r.Data)
		u.units += (size + payloadUnit - 1) / payloadUnit
		if !r.Arrival.Before(from) && r.Arrival.Before(from.Add(length)) {
			u.records++
			u.bytes += size
		}
	}
	most := length.Seconds() * float64(len(shards))
	u.recordsShare = float64(u.records) / most / shardRecordsLimit
	u.byteShare = float64(u.bytes) / most / shardBytesLimit
	if throttled := float64(w.throttled.Load()); throttled > 0 {
		u.throttled = throttled / (throttled + float64(len(all)))
	}
	return nil
}

// keysByShard makes so many keys for each of 2, 4 … 256 shards that divide the hash space evenly. A fifth of them occurs
// five times as often as another fifth.
func keysByShard(shards, each int) [][]string {
	all := make([][]string, shards)
	for i, full := 0, 0; full < shards; i++ {
		key := fmt.Sprintf("key-%d", i)
		at := int(md5.Sum([]byte(key))[0]) * shards / 256
		if len(all[at]) >= 3*each {
			continue
		}
		for range 1 + i%5 {
			all[at] = append(all[at], key)
		}
		if len(all[at]) >= 3*each {
			full++
		}
	}
	return all
}
