package kinesis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/stream"
)

// The rules by which shared streams are judged refuse what they are there to refuse.
func TestTheJudgeOfSharedStreamsRefuses(t *testing.T) {
	const up, down = "shard-0", "shard-1"
	at := func(n int) stream.Position { return stream.MakePosition([3]uint64{0, 0, uint64(n + 1)}, 0, 0) }
	record := func(worker, shard string, n int) happening {
		return happening{"record", worker, shard, at(n), "k", fmt.Sprintf("k/%d", n)}
	}
	grant := func(worker, shard string) happening { return happening{kind: "granted", worker: worker, shard: shard} }
	save := func(worker, shard string) happening { return happening{kind: "saved", worker: worker, shard: shard} }
	good := []happening{
		grant("a", up), record("a", up, 0), save("a", up), record("a", up, 1),
		grant("b", up), record("b", up, 1), record("b", up, 2), save("b", up),
		grant("a", down), record("a", down, 3), save("a", down),
	}
	for name, c := range map[string]struct {
		events []happening
		says   string
	}{
		"good":                 {good, ""},
		"skipped in a hold":    {[]happening{grant("a", up), record("a", up, 0), record("a", up, 2)}, "where 1 follows"},
		"turned round":         {[]happening{grant("a", up), record("a", up, 0), record("a", up, 1), record("a", up, 0)}, "where 2 follows"},
		"skipped between":      {[]happening{grant("a", up), record("a", up, 0), grant("b", up), record("b", up, 2)}, "nobody was given"},
		"again what was saved": {[]happening{grant("a", up), record("a", up, 0), save("a", up), grant("b", up), record("b", up, 0)}, "checkpointed"},
		"child early":          {[]happening{grant("a", up), record("a", up, 0), grant("a", down), record("a", down, 3)}, "that nobody was given"},
		"key out of order":     {[]happening{grant("a", down), record("a", down, 3)}, "number 0 follows"},
		"not stored":           {[]happening{grant("a", up), record("a", up, 7)}, "none was stored"},
		"without a hold":       {[]happening{record("a", up, 0)}, "without a hold"},
		"saved after a loss":   {[]happening{grant("a", up), record("a", up, 0), grant("b", up), record("b", up, 0), save("b", up), record("a", up, 1), save("a", up)}, "has saved"},
		"not delivered":        {good[:10], "0 checkpointed"},
		"another value":        {[]happening{grant("a", up), {"record", "a", up, at(0), "k", "k/1"}}, "another record"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory()
			h.replace(down, up)
			for n, shard := range []string{up, up, up, down} {
				h.store(shard, stored{at(n), "k", fmt.Sprintf("k/%d", n)})
			}
			for _, e := range c.events {
				h.add(e)
			}
			again, err := h.check(true)
			if c.says == "" {
				require.NoError(t, err)
				require.Equal(t, 1, again)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}
