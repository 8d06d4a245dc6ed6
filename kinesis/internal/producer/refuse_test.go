package producer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/aggregate"
	"github.com/streamport-go/streamport/kinesis/internal/producer"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

func TestSizesAreCountedAsTheServiceDoes(t *testing.T) {
	const limit = 1 << 20
	header := []stream.Header{{Key: "h", Value: []byte("v")}}
	plain := record("key", strings.Repeat("x", limit-3))
	overhead := aggregate.OneSize("key", nil, []aggregate.Tag{{Name: "h", Value: []byte("v")}}) + 3
	tagged := record("key", strings.Repeat("x", limit-overhead-4)) // two lengths grow by two bytes
	tagged.Headers = header
	for name, fits := range map[string]*stream.Record{"plain": plain, "tagged": tagged} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				s := someSettings()
				s.Tags = true
				r := open(t, f, s, someConfig())
				defer r.shutDown()
				over := *fits
				over.Value = append(append([]byte(nil), fits.Value...), 'x')
				r.Append(t.Context(), []*stream.Record{fits, &over}, r.done)
				r.settle()
				require.NoError(t, r.of(t, fits).err)
				err := r.of(t, &over).err
				require.ErrorIs(t, err, stream.ErrTooLarge)
				require.ErrorContains(t, err, "1048577")
				require.ErrorContains(t, err, "1048576")
				require.Len(t, f.log, 1)
				require.Equal(t, limit, len(f.log[0].key)+len(f.log[0].data))
			})
		})
	}
}

func TestLimitFollowsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		large := record("a", strings.Repeat("x", 2<<20))
		r.send(large)
		require.ErrorIs(t, r.of(t, large).err, stream.ErrTooLarge)
		r.probe.set(producer.Facts{RecordBytes: 10 << 20})
		time.Sleep(time.Second)
		larger := record("a", strings.Repeat("x", 10<<20-1))
		another := record("b", strings.Repeat("x", 10<<20-1)) // they fit into no request together
		r.Append(t.Context(), []*stream.Record{larger, another}, r.done)
		r.settle()
		require.NoError(t, r.of(t, larger).err)
		require.NoError(t, r.of(t, another).err)
	})
}

func TestRecordsThatNeedTagsAreRefusedWithoutThem(t *testing.T) {
	inner := aggregateOf("k", "inner")
	cases := map[string]struct {
		rec  *stream.Record
		want error
	}{
		"headers":       {&stream.Record{Key: []byte("k"), Value: []byte("v"), Headers: []stream.Header{{Key: "h"}}}, stream.ErrUnsupported},
		"tombstone":     {&stream.Record{Key: []byte("k")}, stream.ErrUnsupported},
		"nil key":       {&stream.Record{Value: []byte("v")}, stream.ErrUnsupported},
		"empty key":     {&stream.Record{Key: []byte{}, Value: []byte("v")}, stream.ErrUnsupported},
		"binary key":    {&stream.Record{Key: []byte{0xff}, Value: []byte("v")}, stream.ErrUnsupported},
		"event time":    {&stream.Record{Key: []byte("k"), Value: []byte("v"), Time: time.Unix(1, 0)}, stream.ErrUnsupported},
		"aggregate":     {&stream.Record{Key: []byte("k"), Value: inner}, stream.ErrUnsupported},
		"over-long key": {record(strings.Repeat("ä", 257), "v"), stream.ErrTooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.rec.Stream = "s"
				f := newFake(1)
				r := open(t, f, someSettings(), someConfig())
				defer r.shutDown()
				longest := record(strings.Repeat("ä", 256), "")
				r.send(c.rec, longest)
				r.settle()
				require.ErrorIs(t, r.of(t, c.rec).err, c.want)
				require.ErrorContains(t, r.of(t, c.rec).err, "ags")
				require.NoError(t, r.of(t, longest).err)
				require.Len(t, f.log, 1)
			})
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				s := someSettings()
				s.Tags = true
				r := open(t, f, s, someConfig())
				defer r.shutDown()
				r.send(c.rec)
				r.settle()
				require.NoError(t, r.of(t, c.rec).err)
				require.True(t, aggregate.IsAggregate(f.log[0].data))
				require.Equal(t, string(c.rec.Value), r.stored()[0].value)
			})
		})
	}
}

// aggregateOf is an aggregate of one record.
func aggregateOf(key, value string) []byte {
	var e aggregate.Encoder
	e.Add(key, "", []byte(value), nil)
	return e.AppendTo(nil)
}

func TestNilRecordIsInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, newFake(1), someSettings(), someConfig())
		defer r.shutDown()
		r.Append(t.Context(), []*stream.Record{nil}, r.done)
		require.ErrorIs(t, r.of(t, nil).err, stream.ErrInvalid)
	})
}

func TestValuesAreCompressedWhereThatGains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		s := someSettings()
		s.Tags, s.Compression, s.Mode = true, aggregate.Gzip, settings.KeyOrdered
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		long, short := record("a", strings.Repeat("x", 10_000)), record("b", "y")
		r.send(long, short)
		r.settle()
		require.NoError(t, r.of(t, long).err)
		require.NoError(t, r.of(t, short).err)
		for _, e := range f.log {
			require.Less(t, len(e.data), 500)
			require.Equal(t, e.key == "a", aggregate.IsAggregate(e.data))
		}
	})
}
