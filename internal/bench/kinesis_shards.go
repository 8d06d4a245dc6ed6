package main

import (
	"context"
	"fmt"
	"time"

	"github.com/streamport-go/streamport/kinesis"
)

const (
	usedShards  = 16
	keysOfShard = 400
	largeRecord = 8_000 // bytes: a shard's limit of bytes binds
)

// useShards offers each of 16 shards more than its limit.
func useShards(o bubbleOptions, valueBytes int) (map[string]float64, error) {
	w, err := newKinesisWorld(o, usedShards, 10*time.Millisecond, 20*time.Millisecond)
	if err != nil {
		return nil, err
	}
	f := offer{keys: keysByShard(usedShards, keysOfShard), valueBytes: valueBytes, warm: 15 * time.Second, time: 15 * time.Second}
	if o.smoke {
		f.warm, f.time = time.Second, time.Second
	}
	u, err := f.make(o, w, kinesis.Config{})
	if err != nil {
		return nil, err
	}
	return map[string]float64{
		"use": max(u.byteShare, u.recordsShare), "throttled": u.throttled, "bytes": u.byteShare, "records": u.recordsShare,
	}, nil
}

// shardStudy tells what part of its shards' limits a producer uses that has more to send.
func shardStudy(ctx context.Context, l *lab) error {
	t := &Table{
		Title:   "16 shards that are each offered more than their limit, 15 to 30 s from the beginning, by uneven keys, in virtual time",
		Heading: []string{"bound by", "of the limit", "least", "most", "% throttled", "most"},
	}
	least := Sample{}
	for _, bound := range []string{"bytes", "records"} {
		found, err := l.repeatBubble(ctx, bound)
		if err != nil {
			return err
		}
		use, throttled := found["use"], found["throttled"]
		t.add(bound, number(use.Median()), number(use.Min()), number(use.Max()),
			number(100*throttled.Median()), number(100*throttled.Max()))
		l.metric(newMetric(fmt.Sprintf("kinesis.throttled_entries_%s", bound), "x", throttled, atMost(0.01)))
		if len(least) == 0 {
			least = use
		}
		for i := range use {
			least[i] = min(least[i], use[i])
		}
	}
	l.table(t)
	l.metric(newMetric("kinesis.shard_utilisation", "x", least, atLeast(0.95)))
	return nil
}
