package producer_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/producer"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// A sinkhole stores nothing, at once.
type sinkhole struct {
	api.Service
	fake *fake
}

func (h sinkhole) Shards(ctx context.Context, name string, f api.Filter) (api.Listing, error) {
	return h.fake.Shards(ctx, name, f)
}

func (sinkhole) PutRecords(_ context.Context, _ string, entries []api.Entry) ([]api.Result, error) {
	results := make([]api.Result, len(entries))
	for i := range results {
		results[i] = api.Result{
			Shard: "shardId-000000000001", Sequence: "49590338271490256608559692538361571095921575989136588898",
		}
	}
	return results, nil
}

// BenchmarkAppend is what the producer costs for each record of 100 bytes, without the service.
func BenchmarkAppend(b *testing.B) {
	cases := map[string]struct {
		mode settings.Mode
		how  settings.Aggregation
		keys int
	}{
		"unordered":          {settings.Unordered, settings.AggregateOff, 1 << 20},
		"ordered/distinct":   {settings.KeyOrdered, settings.AggregateOff, 1 << 20},
		"ordered/1000 keys":  {settings.KeyOrdered, settings.AggregateOff, 1000},
		"same key/1000 keys": {settings.KeyOrdered, settings.SameKey, 1000},
	}
	for name, c := range cases {
		for _, batch := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d a call", name, batch), func(b *testing.B) {
				s := someSettings()
				s.Mode, s.Aggregation, s.Share = c.mode, c.how, 1e6
				p := &probe{facts: producer.Facts{RecordBytes: 1 << 20, Shards: 16}}
				sink, err := producer.New(sinkhole{fake: newFake(16)}, s, someConfig(), p)
				if err != nil {
					b.Fatal(err)
				}
				recs := make([]*stream.Record, 1<<16)
				for i := range recs {
					recs[i] = record(fmt.Sprintf("key-%08d", i%c.keys), string(make([]byte, 100)))
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += batch {
					from := i % (len(recs) - batch)
					sink.Append(b.Context(), recs[from:from+batch], func(stream.Ack, error) {})
				}
				_ = sink.Close(b.Context())
			})
		}
	}
}
