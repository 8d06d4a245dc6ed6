//go:build servers && full

package kinesis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// What Amazon's producer library stores, aggregated and plain, comes through a consumer of this library: nothing lost, in
// its places.
func TestInteropReadsKPL(t *testing.T) {
	i := newInterop(t, 2)
	var records []testenv.KPLRecord
	for n := range 400 {
		r := testenv.KPLRecord{Key: fmt.Sprintf("ключ-%d", n%9), Data: fmt.Appendf(nil, "ключ-%d/%d", n%9, n/9)}
		if n%9 == 4 {
			r.Hash = "340282366920938463463374607431768211455" // the last of all, whatever the key says
		}
		records = append(records, r)
	}
	want := map[testenv.Stored]map[string]string{} // by Kinesis record: values and their keys
	packed := 0
	for n, part := range [][]testenv.KPLRecord{records[:300], records[300:]} {
		plain := n == 1
		out, err := testenv.RunKPL(t.Context(),
			testenv.KPLConfig{Endpoint: i.streams.TLSEndpoint(), Stream: i.stream, Plain: plain}, part)
		require.NoError(t, err)
		for n, s := range out {
			if want[s] == nil {
				want[s] = map[string]string{}
			}
			want[s][string(part[n].Data)] = part[n].Key
			packed = max(packed, len(want[s]))
		}
	}
	require.Greater(t, packed, 10, "the library aggregates")
	i.listed(t)
	w := i.goJoins(t, "go", 20, 0)
	i.until(t, "all records", func(events []happening) bool { return len(recordsOf(events)) >= len(records) })
	w.leave(t)
	events, _ := i.snapshot()
	got := map[testenv.Stored]map[string]string{}
	subs := map[testenv.Stored]uint32{}
	for _, e := range events {
		if e.kind != "record" {
			continue
		}
		sequence, sub := shard.Sequence(e.at)
		s := testenv.Stored{Shard: e.shard, Sequence: sequence}
		if got[s] == nil {
			got[s] = map[string]string{}
		}
		require.Equal(t, subs[s], sub, "records of an aggregate are numbered")
		subs[s]++
		got[s][e.value] = e.key
	}
	require.Equal(t, want, got)
}
