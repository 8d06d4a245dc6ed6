package field

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/streamport-go/streamport/internal/httpfault"
	"github.com/streamport-go/streamport/internal/verify/workload"
)

// What is done to Kinesis and DynamoDB.
const (
	splitShard      = "shard split"
	mergedShards    = "shards merged"
	throttledTable  = "lease table throttled"
	cutTable        = "lease table cut off"
	lostWrite       = "answer of a write to the lease table lost"
	lateWrite       = "write to the lease table late"
	throttledStream = "reads throttled"
	failedEntries   = "entries refused"
	cutStream       = "stream cut off"
	lostPut         = "answer of PutRecords lost"
)

// mostShards bounds how many take records at a time.
const mostShards = 6

// onShards are the moves against shards.
func (h hand) onShards() []move { return []move{h.splitOne, h.splitOne, h.mergeTwo} }

func (h hand) splitOne(ctx context.Context) error {
	all, err := h.shards(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(all) == 0:
		return nil
	case len(all) >= mostShards:
		return h.mergeTwo(ctx)
	}
	victim := all[h.IntN(len(all))]
	if err := split(ctx, h.client, workload.Input, victim); err != nil {
		return h.unlessOver(ctx, err)
	}
	h.count(splitShard, *victim.ShardId)
	return nil
}

func (h hand) mergeTwo(ctx context.Context) error {
	all, err := h.shards(ctx)
	if err != nil || len(all) < 2 {
		return err
	}
	at := h.IntN(len(all) - 1)
	if err := join(ctx, h.client, workload.Input, all[at], all[at+1]); err != nil {
		return h.unlessOver(ctx, err)
	}
	h.count(mergedShards, *all[at].ShardId)
	return nil
}

// shards are those that take records.
func (h hand) shards(ctx context.Context) ([]types.Shard, error) {
	all, err := shards(ctx, h.client, workload.Input)
	return open(all), h.unlessOver(ctx, err)
}

// unlessOver is nil where the run is over: what is cut short then is no failure.
func (h hand) unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// onServices are the moves against what workers ask of the services.
func (h hand) onServices() []move {
	throttle := func(ops ...string) httpfault.Rule {
		return httpfault.Rule{Kind: httpfault.Refuse, Code: httpfault.Throughput, Ops: ops, Chance: 0.6}
	}
	writes := []string{"UpdateItem", "PutItem"}
	return []move{
		h.harm(throttledTable, h.cloud.tables, throttle("UpdateItem", "Scan", "GetItem", "PutItem")),
		h.harm(cutTable, h.cloud.tables, httpfault.Rule{Kind: httpfault.Reset}),
		h.harm(lostWrite, h.cloud.tables, httpfault.Rule{Kind: httpfault.Lose, Ops: writes, Chance: 0.2}),
		h.harm(lateWrite, h.cloud.tables, httpfault.Rule{Kind: httpfault.Late, Ops: writes, Chance: 0.1, Delay: failover}),
		h.harm(throttledStream, h.cloud.streams, throttle("GetRecords", "GetShardIterator", "ListShards")),
		h.harm(failedEntries, h.cloud.streams, httpfault.Rule{Kind: httpfault.FailEntries, Share: 0.3}),
		h.harm(cutStream, h.cloud.streams, httpfault.Rule{Kind: httpfault.Reset}),
		h.harm(lostPut, h.cloud.streams, httpfault.Rule{Kind: httpfault.Lose, Ops: []string{"PutRecords"}, Chance: 0.3}),
	}
}

// harm has a rule in force for a while.
func (h hand) harm(what string, proxy *httpfault.Proxy, r httpfault.Rule) move {
	return func(ctx context.Context) error {
		f := proxy.Set(r)
		h.wait(ctx, time.Second, failover+2*time.Second)
		f.Remove()
		if f.Hits() > 0 {
			h.count(what, fmt.Sprint(f.Hits(), " calls"))
		}
		return nil
	}
}
