package field

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// processed are so many inputs, and an output of each that was made a second later.
func processed(n int) (in, out []*kgo.Record) {
	begun := time.UnixMilli(1_000_000)
	for i := range n {
		at := begun.Add(time.Duration(i) * time.Second)
		r := &kgo.Record{Partition: int32(i % 3), Offset: int64(i / 3), LeaderEpoch: 2, Value: fmt.Append(nil, i), Timestamp: at}
		in = append(in, r)
		text := fmt.Appendf(nil, "%d %d@3 %s", r.Partition, r.Offset+1, r.Value)
		out = append(out, &kgo.Record{Value: text, Timestamp: at.Add(time.Second)})
	}
	return in, out
}

func TestCompareCountsWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record)
		want   Verdict
	}{
		"nothing": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) { return in, out }, Verdict{}},
		"order":   {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) { slices.Reverse(out); return in, out }, Verdict{}},
		"doubled": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) {
			return in, append(out, out[3], out[3], out[7])
		}, Verdict{Duplicated: 3}},
		"lost": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) { return in, out[2:] }, Verdict{Lost: 2}},
		"foreign": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) {
			return in, append(out, &kgo.Record{Value: []byte("0 1@3 5")})
		}, Verdict{Foreign: 1}},
		"of another place": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) {
			out[0] = &kgo.Record{Value: []byte("1 1@3 0")}
			return in, out
		}, Verdict{Foreign: 1, Lost: 1}},
		"not fed": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) { return in[1:], out[1:] }, Verdict{Misfed: 1}},
		"fed twice": {func(in, out []*kgo.Record) ([]*kgo.Record, []*kgo.Record) {
			again := *in[0]
			again.Offset = 100
			return append(in, &again), append(out, &kgo.Record{Value: []byte("0 101@3 0")})
		}, Verdict{Misfed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			in, out := c.change(processed(10))
			v := Verdict{Sent: 10}
			v.compare(in, out)
			require.Equal(t, c.want, Verdict{Duplicated: v.Duplicated, Lost: v.Lost, Foreign: v.Foreign, Misfed: v.Misfed})
			require.Equal(t, v.Duplicated+v.Lost+v.Foreign+v.Misfed == 0, v.wrong() == nil)
		})
	}
}

func TestOnlyKillsBetweenAnInputAndItsOutputCount(t *testing.T) {
	in, out := processed(3)
	v := Verdict{Sent: 3, kills: []kill{
		{at: in[0].Timestamp.Add(-time.Second), what: killedBroker},
		{at: in[0].Timestamp.Add(time.Second / 2), what: killedBroker},
		{at: in[1].Timestamp.Add(time.Second / 2), what: killedWorker},
		{at: in[2].Timestamp.Add(time.Second / 2), what: zombie},
		{at: out[2].Timestamp.Add(time.Second), what: zombie},
	}}
	v.compare(in, out)
	require.Equal(t, []int{1, 2}, []int{v.Brokers, v.Workers})
}

func TestAVerdictAboutTooLittleFails(t *testing.T) {
	enough := func() Verdict {
		v := Verdict{Inputs: 5 * workerBatch, Asked: 8, Workers: 5, Brokers: 3, JavaDiffers: -1, Endings: &tally{}, Met: map[string]int{lostDecisions: 1}}
		_, _ = v.Endings.Write([]byte("cccccau"))
		return v
	}
	require.NoError(t, enough().Err())
	for name, spoil := range map[string]func(*Verdict){
		"few kills":      func(v *Verdict) { v.Workers-- },
		"no brokers":     func(v *Verdict) { v.Workers, v.Brokers = 8, 0 },
		"no workers":     func(v *Verdict) { v.Workers, v.Brokers = 0, 8 },
		"few commits":    func(v *Verdict) { v.Endings = &tally{}; _, _ = v.Endings.Write([]byte("aa")) },
		"no lost answer": func(v *Verdict) { v.Met = nil },
		"all smoothly":   func(v *Verdict) { v.Endings = &tally{}; _, _ = v.Endings.Write([]byte("cccccc")) },
	} {
		t.Run(name, func(t *testing.T) {
			v := enough()
			spoil(&v)
			require.ErrorContains(t, v.Err(), "met too little")
			require.NoError(t, v.wrong())
		})
	}
}

func TestMarksOfAbortedTransactionsAreKnown(t *testing.T) {
	require.True(t, isAbort(&kgo.Record{Key: []byte{0, 0, 0, 0}}))
	require.False(t, isAbort(&kgo.Record{Key: []byte{0, 0, 0, 1}}))
}

func TestWhatIsNoWorkerIsLeftAlone(t *testing.T) {
	for _, args := range [][]string{{"verify"}, {"verify", "-env", "kafka"}, {"verify", workFlag}} {
		working, err := Work(args)
		require.False(t, working)
		require.NoError(t, err)
	}
	for _, order := range []string{"", "{", `{"Kind":"idle"}`} {
		working, err := Work([]string{"verify", workFlag, order})
		require.True(t, working)
		require.Error(t, err)
	}
}
