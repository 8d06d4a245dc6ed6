package kafkago

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamport-go/streamport/stream"
)

// TestKeysGoWhereJavaPutsThem uses hashes that the tests of Apache Kafka's Utils.murmur2 give.
func TestKeysGoWhereJavaPutsThem(t *testing.T) {
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	const partitions = 7
	c := fakeCluster(t, kfake.SeedTopics(partitions, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	for key, hash := range hashes {
		r := &stream.Record{Stream: "t", Key: []byte(key)}
		s.Append(t.Context(), []*stream.Record{r}, a.done)
		require.Equal(t, []error{nil}, a.wait(r))
		require.Equal(t, strconv.Itoa(int(hash&0x7fffffff)%partitions), a.ack(r).Partition, key)
	}
}

func TestRecordsSayWhereTheyGo(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(3, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.PlaceByRecord = true
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 6)
	for i, partition := range []string{"0", "1", "2", "3", "-1", "first"} {
		recs[i].Partition = partition
	}
	s.Append(t.Context(), recs, a.done)
	errs := a.wait(recs...)
	require.Equal(t, []error{nil, nil, nil}, errs[:3])
	for i := range 3 {
		require.Equal(t, recs[i].Partition, a.ack(recs[i]).Partition)
	}
	require.ErrorIs(t, errs[3], stream.ErrNotFound)
	require.ErrorIs(t, errs[4], stream.ErrInvalid)
	require.ErrorIs(t, errs[5], stream.ErrInvalid)
}

func TestPartitionIsIgnoredByDefault(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(3, "t"))
	s := openTestSink(t, sinkSettings(c.ListenAddrs()), sinkConfig(), limits{})
	a := newAnswered(t)
	recs := keyed("t", "k", 2)
	recs[0].Partition = "no number" // as of a record of another service
	s.Append(t.Context(), recs, a.done)
	require.Equal(t, []error{nil, nil}, a.wait(recs...))
	require.Equal(t, a.ack(recs[1]).Partition, a.ack(recs[0]).Partition)
}

func TestPartitionerOfTheUser(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(3, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 512 // a new batch every few records
	asked := map[*stream.Record]int{}
	settings.Partitioner = func(r *stream.Record, n int) int {
		asked[r]++
		switch choice := r.Value[0]; choice {
		case 'p':
			panic("secret " + string(r.Key))
		case 'd':
			return -1
		default:
			return int(choice-'0') % (n + 1)
		}
	}
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := make([]*stream.Record, 50)
	for i := range recs {
		recs[i] = &stream.Record{Stream: "t", Key: []byte("secret-key"), Value: []byte("012d"[i%4:][:1])}
	}
	recs[17].Value, recs[21].Value = []byte("p"), []byte("3")
	s.Append(t.Context(), recs, a.done)
	byDefault := ""
	for i, err := range a.wait(recs...) {
		require.Equal(t, 1, asked[recs[i]])
		partition := a.ack(recs[i]).Partition
		switch v := recs[i].Value[0]; v {
		case 'p', '3':
			require.ErrorIs(t, err, stream.ErrInvalid)
			require.NotContains(t, err.Error(), "secret")
			if v == 'p' {
				require.Contains(t, err.Error(), "partitioner_test.go")
			}
		case 'd':
			require.NoError(t, err)
			if byDefault == "" {
				byDefault = partition
			}
			require.Equal(t, byDefault, partition)
		default:
			require.NoError(t, err)
			require.Equal(t, string(v), partition)
		}
	}
}

func TestRecordsWithoutKeyShareBatchesAndSpread(t *testing.T) {
	c := fakeCluster(t, kfake.SeedTopics(4, "t"))
	settings := sinkSettings(c.ListenAddrs())
	settings.BatchBytes = 512
	s := openTestSink(t, settings, sinkConfig(), limits{})
	a := newAnswered(t)
	recs := make([]*stream.Record, 2000)
	for i := range recs {
		recs[i] = &stream.Record{Stream: "t", Value: make([]byte, 20)}
	}
	s.Append(t.Context(), recs, a.done)
	a.wait(recs...)
	changes, counts := 0, map[string]int{}
	for i, r := range recs {
		counts[a.ack(r).Partition]++
		if i > 0 && a.ack(r).Partition != a.ack(recs[i-1]).Partition {
			changes++
		}
	}
	require.Len(t, counts, 4)
	require.Less(t, changes, len(recs)/5)
}

func TestCodecsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			c := fakeCluster(t, kfake.SeedTopics(1, "t"))
			settings := sinkSettings(c.ListenAddrs())
			settings.Compression, settings.CompressLevel = []string{codec}, 2
			s := openTestSink(t, settings, sinkConfig(), limits{})
			a := newAnswered(t)
			recs := keyed("t", "compressible-compressible-compressible", 200)
			s.Append(t.Context(), recs, a.done)
			a.wait(recs...)
			read := readTopic(t, c.ListenAddrs(), "t", len(recs))
			require.Equal(t, sent(recs), values(read))
			names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
			require.Equal(t, codec, names[read[len(read)-1].Attrs.CompressionType()])
		})
	}
	_, err := newCodec("brotli", 0)
	require.ErrorIs(t, err, stream.ErrInvalid)
}
