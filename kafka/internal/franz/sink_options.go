package franz

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// producing are the options of every kgo.Client that produces. The sink's gate bounds what is buffered, so franz-go's own
// bounds are out of the way.
func producing(s engine.Settings, p engine.Probe) ([]kgo.Opt, error) {
	codecs, err := compression(s.Compression, s.CompressLevel)
	if err != nil {
		return nil, err
	}
	return []kgo.Opt{
		kgo.ProducerLinger(s.Linger),
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 { return clientLimit(batchLimit(s, p, topic)) }),
		kgo.BrokerMaxWriteBytes(maxWrite(s.BatchBytes)),
		kgo.ProducerBatchCompression(codecs...),
		kgo.ProduceRequestTimeout(s.ProduceTimeout),
		kgo.RecordPartitioner(newPartitioner(s)),
		kgo.MaxBufferedRecords(math.MaxInt32),
	}, nil
}

// acknowledging are the options about acknowledgements of a producer without transactions. Cancellation is what ends a
// delivery that has taken too long: RecordDeliveryTimeout would count from the record's own time.
func acknowledging(s engine.Settings) []kgo.Opt {
	var options []kgo.Opt
	switch s.Acks {
	case engine.AcksLeader:
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()))
	case engine.AcksNone:
		options = append(options, kgo.RequiredAcks(kgo.NoAck()))
	}
	if s.Idempotent {
		return append(options, kgo.AllowIdempotentProduceCancellation())
	}
	return append(options, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(s.InFlight))
}

func compression(names []string, level int) ([]kgo.CompressionCodec, error) {
	codecs := make([]kgo.CompressionCodec, 0, len(names))
	for _, name := range names {
		var c kgo.CompressionCodec
		switch name {
		case "none":
			c = kgo.NoCompression()
		case "gzip":
			c = kgo.GzipCompression()
		case "snappy":
			c = kgo.SnappyCompression()
		case "lz4":
			c = kgo.Lz4Compression()
		case "zstd":
			c = kgo.ZstdCompression()
		default:
			return nil, fmt.Errorf("%w: there is no codec %.40q", stream.ErrInvalid, name)
		}
		if level != 0 && name != "none" && name != "snappy" {
			c = c.WithLevel(level)
		}
		codecs = append(codecs, c)
	}
	return codecs, nil
}

// batchLimit is how large a batch of the topic may be, as brokers count: the setting, or the topic's own limit if that is
// lower.
func batchLimit(s engine.Settings, p engine.Probe, topic string) int64 {
	limit := int64(s.BatchBytes)
	if bytes, known := p.MaxBatchBytes(topic); known {
		limit = min(limit, bytes)
	}
	return limit
}

// clientLimit is what franz-go calls the same limit: it counts the length before the batch too, which is a varint. Before
// the first answer of a broker it counts four bytes for it, and so refuses a first record that is within three bytes of
// the limit; were the limit higher by these, brokers would refuse full batches.
func clientLimit(limit int64) int32 {
	length := min((bits.Len64(uint64(limit)+1)+6)/7, 4)
	return int32(max(min(limit+int64(length), 1<<30), 1))
}

// maxWrite is the size of a request that holds a batch of the largest size.
func maxWrite(batch int32) int32 { return max(100<<20, min(batch, 1<<30-1<<20)+1<<20) }
