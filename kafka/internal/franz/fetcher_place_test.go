package franz

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestNothingIsToldAfterATruncation(t *testing.T) {
	at := engine.Partition{Topic: "orders"}
	told := &told{}
	f := fetcherAt(t, told, at, 100)
	after := fetchOf(at, nil, 90, 120) // read on where the log ends now, before the loss is known here
	f.distribute(kgo.Fetches{after, fetchOf(at, &kgo.ErrDataLoss{ConsumedTo: 100, ConsumedToEpoch: 1, ResetTo: 90})})
	f.distribute(kgo.Fetches{after})
	require.Empty(t, told.blocks)
	require.Equal(t, []error{&engine.Truncated{
		Asked: engine.Offset{At: 100, Epoch: 1}, End: engine.Offset{At: 90},
	}}, told.errs)
}

func TestAJumpBackIsATruncation(t *testing.T) {
	at := engine.Partition{Topic: "orders"}
	told := &told{}
	f := fetcherAt(t, told, at, 100)
	f.distribute(kgo.Fetches{fetchOf(at, nil, 90, 120)})
	require.Empty(t, told.blocks)
	var truncated *engine.Truncated
	require.Len(t, told.errs, 1)
	require.ErrorAs(t, told.errs[0], &truncated)
}

func TestRecordsBeforeDamageAreTold(t *testing.T) {
	at := engine.Partition{Topic: "orders"}
	told := &told{}
	f := fetcherAt(t, told, at, 100)
	f.distribute(kgo.Fetches{fetchOf(at, errors.New("encoded crc does not match"), 100, 101)})
	require.Len(t, told.blocks, 1)
	require.EqualValues(t, 102, told.blocks[0].Next.At)
	require.Len(t, told.errs, 1)
	require.ErrorIs(t, told.errs[0], stream.ErrCorrupt)
}

func fetcherAt(t *testing.T, r engine.Receiver, p engine.Partition, next int64) *fetcher {
	t.Helper()
	return &fetcher{
		receiver: r, base: t.Context(),
		places: map[engine.Partition]*place{p: {name: p.String(), next: engine.Offset{At: next, Epoch: 1}}},
		broken: make(map[engine.Partition]struct{}),
		stale:  make(map[string]struct{}),
	}
}

func fetchOf(p engine.Partition, err error, offsets ...int64) kgo.Fetch {
	fetched := kgo.FetchPartition{Partition: p.Number, Err: err}
	for _, offset := range offsets {
		fetched.Records = append(fetched.Records, &kgo.Record{Topic: p.Topic, Partition: p.Number, Offset: offset})
	}
	return kgo.Fetch{Topics: []kgo.FetchTopic{{Topic: p.Topic, Partitions: []kgo.FetchPartition{fetched}}}}
}

// told is a Receiver that keeps what it is told.
type told struct {
	blocks []engine.Block
	errs   []error
}

func (t *told) Fetched(_ engine.Partition, b engine.Block) { t.blocks = append(t.blocks, b) }
func (t *told) Broken(_ engine.Partition, err error)       { t.errs = append(t.errs, err) }
