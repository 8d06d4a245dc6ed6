// Package kafkago opens Apache Kafka and Amazon MSK through github.com/segmentio/kafka-go, for services that run on that
// client and know how to operate it. Package kafka, through franz-go, is the default, and can do more: see there when to
// choose which.
//
//	b, err := kafkago.Open(ctx, kafka.Config{Brokers: []string{"localhost:9092"}})
//
// # What is kafka-go's, and what is not
//
// Produce and fetch requests, commits and offsets go through kafka-go's Transport and its protocol messages, groups through
// its ConsumerGroup. Its Reader is not used, which delivers what was aborted and takes empty values for nil, nor its Writer,
// which repeats records. Ours are:
//
//   - the record batches that are sent, numbered for idempotence (KIP-98), and the queues before them, which are bounded;
//   - the reading of the answers to fetches: kafka-go's decoder panics on some damage and drops batches behind other, and
//     does not tell where a batch ends whose tail was compacted away;
//   - the filter that keeps aborted records and markers of transactions back;
//   - heartbeats: a group's generation ends here when the coordinator says so, not when a connection breaks;
//   - signing in, and questions to one broker: a Transport answers those about metadata out of its memory, up to a second
//     old, so that a leader that moves costs up to about 1.5 s.
//
// # Limits
//
// Members share a group with eager franz-go members of package kafka, but not with members whose subscriptions are newer
// than version 0 where one of kafka-go's leads, as Java's are. A topic that is deleted and made anew between two fetches is
// read on. Answers other than those to fetches are decoded by kafka-go, which believes what a broker says of their lengths
// within a frame of Config.ReadBytes.
//
// # Files
//
// open.go, client.go and simulate.go are the package's face, driver.go is the engine's; lines.go, dial.go, frame.go, sasl.go
// and bearer.go make connections, direct.go, shake.go and wire*.go ask one broker; admin_*.go answer the questions of
// package engine. A record goes through sink.go, sink_arrival.go, sink_topic.go and partitioner.go into a lane
// (sink_lane.go) as part of a batch (batch*.go, codec.go), by the pump (sink_pump.go, sink_launch.go, sink_landing.go) in a
// request (sink_request.go) to the leader that sink_view.go knows, under a number of sink_identity.go. fetcher.go obeys
// orders, fetcher_chart.go and fetcher_leader.go find and ask leaders, fetcher_call.go, fetcher_decode.go, fetcher_batch.go,
// fetcher_message.go, fetcher_expand.go and fetcher_filter.go read what they answer, and records.go hands it out. A member
// (member.go, member_run.go) joins by member_group.go, is in a generation by member_hold.go and member_pulse.go, and shares
// by member_balancer.go what member_topics.go has found.
package kafkago
