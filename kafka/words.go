package kafka

import "github.com/streamport-go/streamport/kafka/internal/engine"

// What words mean to engines.
var (
	// clients are the packages that open them.
	clients = map[Client]string{"": "", FranzGo: "kafka", KafkaGo: "kafkago"}

	acks = map[Acks]engine.Acks{
		"": engine.AcksAll, AcksAll: engine.AcksAll, AcksLeader: engine.AcksLeader, AcksNone: engine.AcksNone,
		"-1": engine.AcksAll, "1": engine.AcksLeader, "0": engine.AcksNone,
	}
	assignments = map[Assignment]engine.Assignment{
		"": engine.Cooperative, Cooperative: engine.Cooperative, Eager: engine.Eager, Server: engine.Server,
	}
)

// codecs are all of them.
var codecs = []Codec{None, Gzip, Snappy, LZ4, Zstd}
