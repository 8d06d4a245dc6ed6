package aggregate_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// A vector is a Kinesis record as KPL wrote it, or made by hand, with what is in it and what KCL makes of it.
type vector struct {
	Name, Source      string
	OuterPartitionKey string
	Hex               string
	Users             []struct {
		PKHex   string `json:"pkHex"`
		EHK     *string
		DataHex string
		Tags    [][2]string
	}
	Expect               string // users, raw, partial (what is before the fault), dropped (whole, for one out of range)
	ShardStart, ShardEnd string
}

func vectors(t testing.TB) []vector {
	text, err := os.ReadFile("testdata/kpl-vectors.json")
	require.NoError(t, err)
	var all []vector
	require.NoError(t, json.Unmarshal(text, &all))
	require.NotEmpty(t, all)
	return all
}

func (v vector) data(t testing.TB) []byte { return unhex(t, v.Hex) }

func unhex(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

func TestVectorsDecode(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			var d aggregate.Decoder
			is := d.Parse(v.data(t))
			require.Equal(t, is, aggregate.IsAggregate(v.data(t)))
			require.Equal(t, v.Expect != "raw", is)
			if !is {
				require.Zero(t, d.Len())
				return
			}
			require.Equal(t, len(v.Users), d.Len())
			for i, user := range v.Users {
				p, more, err := d.Next()
				require.True(t, more)
				require.Equal(t, i, p.Index)
				if v.Expect == "partial" && i == 1 {
					require.ErrorIs(t, err, stream.ErrCorrupt)
					var corrupt *aggregate.Error
					require.ErrorAs(t, err, &corrupt)
					require.Equal(t, 1, corrupt.Index)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, unhex(t, user.PKHex), p.Key)
				require.Equal(t, unhex(t, user.DataHex), p.Data)
				require.Equal(t, user.EHK == nil, p.Hash == nil)
				if user.EHK != nil {
					require.Equal(t, *user.EHK, string(p.Hash))
				}
				requireTags(t, user.Tags, p)
			}
			_, more, err := d.Next()
			require.False(t, more)
			require.NoError(t, err)
		})
	}
}

func requireTags(t *testing.T, want [][2]string, p aggregate.Part) {
	var got [][2]string
	for tag := range p.Tags() {
		got = append(got, [2]string{tag.Name, string(tag.Value)})
	}
	require.Equal(t, len(want), len(got))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
}

// What KPL packed, the encoder packs into the same bytes.
func TestVectorsEncode(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Expect != "users" || !strings.HasPrefix(v.Source, "amazon-kinesis-producer") {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			var e aggregate.Encoder
			for range 2 { // again after Reset
				e.Reset()
				require.Zero(t, e.Size())
				for _, user := range v.Users {
					hash := ""
					if user.EHK != nil {
						hash = *user.EHK
					}
					require.True(t, e.Add(string(unhex(t, user.PKHex)), hash, unhex(t, user.DataHex), nil))
				}
				require.Equal(t, v.data(t), e.AppendTo(nil))
				require.Equal(t, len(v.data(t)), e.Size())
			}
		})
	}
}

func TestVectorsOpen(t *testing.T) {
	arrival := time.UnixMilli(1_700_000_000_000)
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			o := aggregate.Opener{Stream: "s", Shard: "shardId-000000000000", Range: shard.Whole()}
			if v.ShardStart != "" {
				o.Range.First, _ = shard.ParseHash(v.ShardStart)
				o.Range.Last, _ = shard.ParseHash(v.ShardEnd)
			}
			r := api.Record{Key: v.OuterPartitionKey, Sequence: "123", Data: v.data(t), Arrival: arrival}
			require.NoError(t, o.Open(r))
			require.Equal(t, v.Expect == "dropped", o.AnyForeign())
			recs, foreign, errs := drain(&o)
			if v.Expect == "raw" {
				require.False(t, o.Aggregated())
				require.Equal(t, v.data(t), recs[0].Value)
				require.Equal(t, v.OuterPartitionKey, string(recs[0].Key))
				return
			}
			require.True(t, o.Aggregated())
			require.Len(t, recs, len(v.Users))
			require.Equal(t, v.Expect == "dropped", foreign > 0)
			require.Equal(t, v.Expect == "partial", len(errs) == 1)
			for i, rec := range recs {
				want, _ := shard.Position("123", uint32(i))
				require.Equal(t, want, rec.Position)
				require.Equal(t, "s", rec.Stream)
				require.Equal(t, "shardId-000000000000", rec.Partition)
				if v.Expect == "partial" && i == 1 {
					require.Nil(t, rec.Value)
					continue
				}
				require.Equal(t, unhex(t, v.Users[i].DataHex), rec.Value)
				require.Equal(t, arrival, rec.Time)
				require.Len(t, rec.Headers, len(v.Users[i].Tags), "tags of others are headers")
			}
		})
	}
}

// drain reads what is left of a Kinesis record.
func drain(o *aggregate.Opener) (recs []stream.Record, foreign int, errs []error) {
	for len(recs) < math.MaxInt32 {
		rec := stream.Record{Stream: "left over", Headers: []stream.Header{{Key: "left over"}}}
		outside, more, err := o.Next(&rec)
		if !more {
			break
		}
		if outside {
			foreign++
		}
		if err != nil {
			errs = append(errs, err)
		}
		recs = append(recs, rec)
	}
	return recs, foreign, errs
}
