package shard_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

// A listing that lags may tell a shard and what replaced it, both open.
func TestCovers(t *testing.T) {
	half := shard.Hash{High: 1 << 63}
	lower := shard.Shard{ID: "lower", Range: shard.Range{Last: shard.Hash{High: 1<<63 - 1, Low: 1<<64 - 1}}}
	upper := shard.Shard{ID: "upper", Range: shard.Range{First: half, Last: shard.Whole().Last}}
	all := shard.Shard{ID: "all", Range: shard.Whole()}
	closed := all
	closed.Closed = true
	for name, test := range map[string]struct {
		shards []shard.Shard
		covers bool
	}{
		"none":             {nil, false},
		"one":              {[]shard.Shard{all}, true},
		"two":              {[]shard.Shard{upper, lower}, true},
		"no end":           {[]shard.Shard{lower}, false},
		"no beginning":     {[]shard.Shard{upper}, false},
		"closed":           {[]shard.Shard{closed, lower}, false},
		"overlap":          {[]shard.Shard{all, lower, upper}, true},
		"overlap at end":   {[]shard.Shard{lower, upper, all}, true},
		"overlap and hole": {[]shard.Shard{lower, lower}, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.covers, shard.NewMap(test.shards).Covers())
		})
	}
}
