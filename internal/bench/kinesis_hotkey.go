package main

import (
	"context"
	"time"

	"github.com/streamport-go/streamport/kinesis"
)

// hotTrip is the round trip of a request where one key is all there is.
const hotTrip = 20 * time.Millisecond

// useHotKey offers one key more than its shard takes, packed.
func useHotKey(o bubbleOptions) (map[string]float64, error) {
	f := offer{keys: [][]string{{"hot-key"}}, valueBytes: valueBytes, warm: 15 * time.Second, time: time.Minute}
	return f.packed(o, 1)
}

// countUnits offers some keys what their shards take, packed.
func countUnits(o bubbleOptions) (map[string]float64, error) {
	f := offer{keys: keysByShard(4, 4), valueBytes: valueBytes, time: 30 * time.Second}
	return f.packed(o, 4)
}

func (f offer) packed(o bubbleOptions, shards int) (map[string]float64, error) {
	if o.smoke {
		f.warm, f.time = min(f.warm, time.Second), time.Second
	}
	w, err := newKinesisWorld(o, shards, hotTrip, hotTrip)
	if err != nil {
		return nil, err
	}
	u, err := f.make(o, w, kinesis.Config{Aggregation: kinesis.SameKey})
	if err != nil {
		return nil, err
	}
	return map[string]float64{
		"use": u.byteShare, "throttled": u.throttled, "units": float64(u.units) / float64(u.sent),
		"rate": float64(u.sent) / (f.warm + f.time).Seconds(),
	}, nil
}

// hotKeyStudy tells what packing gives: of its shard to a single key, and in PUT payload units where keys repeat.
func hotKeyStudy(ctx context.Context, l *lab) error {
	t := &Table{
		Title:   "Records of 100 B in aggregates of one key, 20 ms round trip, in virtual time",
		Heading: []string{"keys", "of 1 MiB/s a shard", "% throttled", "records/s", "units a million records"},
	}
	for _, c := range []struct{ keys, bubble string }{{"1 of 1 shard", "hotkey"}, {"20 of 4 shards", "units"}} {
		found, err := l.repeatBubble(ctx, c.bubble)
		if err != nil {
			return err
		}
		t.add(c.keys, number(found["use"].Median()), number(100*found["throttled"].Median()), number(found["rate"].Median()),
			number(1e6*found["units"].Median()))
		if c.bubble == "hotkey" {
			l.metric(newMetric("kinesis.hot_key_utilisation", "x", found["use"], atLeast(0.95)))
			l.metric(newMetric("kinesis.hot_key_rate", "records/s", found["rate"], nil))
			continue
		}
		l.metric(newMetric("kinesis.put_units_vs_plain", "x", found["units"], atMost(0.01)))
	}
	l.table(t)
	return nil
}
