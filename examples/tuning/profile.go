package main

import (
	"time"

	"github.com/streamport-go/streamport/kafka"
)

// A profile is a way of tuning a producer or a consumer.
type profile struct {
	name     string
	config   kafka.Config // its Brokers are filled in
	buffered int64        // stream.ProducerConfig.BufferedBytes; 0: the default
	batch    int          // the max of Partition.Batches; 0: as they come
}

// baseline is what every other profile is compared with.
var baseline = profile{name: "the defaults"}

// producing are for throughput. The first is what tuning guides say, acks=1 included; the second keeps what the first
// gives away.
var producing = []profile{
	baseline,
	{
		name: "as the guide says",
		config: kafka.Config{
			BatchBytes:  32 << 10,                 // batch.size: 32768
			Linger:      10 * time.Millisecond,    // linger.ms: 10
			Compression: []kafka.Codec{kafka.LZ4}, // compression.type: lz4
			Acks:        kafka.AcksLeader,         // acks: 1
			InFlight:    5,                        // max.in.flight.requests.per.connection: 5
		},
		buffered: 64 << 20, // buffer.memory: 67108864
	},
	{
		name: "the same, acks=all",
		config: kafka.Config{
			BatchBytes: 32 << 10, Linger: 10 * time.Millisecond, Compression: []kafka.Codec{kafka.LZ4},
		},
		buffered: 64 << 20,
	},
	{
		name:     "full batches, acks=all",
		config:   kafka.Config{Linger: 10 * time.Millisecond, Compression: []kafka.Codec{kafka.LZ4}},
		buffered: 64 << 20,
	},
}

// consuming are for throughput as well.
var consuming = []profile{
	baseline,
	{
		name: "as the guide says",
		config: kafka.Config{
			FetchMinBytes:  10_000,                 // fetch.min.bytes: 10000
			FetchMaxWait:   500 * time.Millisecond, // fetch.max.wait.ms: 500
			PartitionBytes: 10 << 20,               // max.partition.fetch.bytes: 10485760
			Session:        30 * time.Second,       // session.timeout.ms: 30000
		},
		batch: 500, // max.poll.records: 500
	},
}
