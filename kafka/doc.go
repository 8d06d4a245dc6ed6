// Package kafka is the backend on Apache Kafka and Amazon MSK: a [stream.Backend] on brokers that speak Kafka's protocol.
//
//	b, err := kafka.Open(ctx, kafka.Config{Brokers: []string{"localhost:9092"}})
//
// A stream is a topic, and its partitions are named "0", "1" and on. A position is an offset plus one, the number that
// Kafka itself commits, so that the zero Position precedes every record; its term is the leader epoch. A checkpoint is an
// offset committed by the group, with the handler's state as text in the offset's metadata.
//
// Open validates the configuration and dials nothing: the first use does. A cluster that cannot be reached fails that use
// after about 15 s, or when its context ends, with an error that names the brokers; a wrong password, token or
// certificate fails it at once with stream.ErrUnauthorized.
//
// # Defaults
//
// The zero value of every field is the safest choice: acks=all, idempotent producing, read-committed consuming, an offset
// that is out of range is an error and never a jump, and what a broker may make the client hold in memory is bounded. A
// leader that stands still is left after ProduceTimeout plus RequestTimeout, 7 s, where the usual defaults take 20 s.
//
// # Which client
//
// Open talks to brokers through franz-go. Package kafkago does it through kafka-go, for services that run on that already
// and know its behaviour in operation; new services choose franz-go. The program stays the same, and Capabilities say what
// is lost:
//
//	                                      franz-go                     kafka-go
//	transactions                          yes                          refused
//	idempotent producing, order of keys   yes                          yes, with acks=all
//	groups                                cooperative, eager, KIP-848  eager
//	static members, racks                 yes                          refused
//	offsets of open transactions          waited for (KIP-447)         taken for the last
//	a truncated log that grew again       noticed (KIP-320)            not noticed
//	a SASL session that ends              renewed (KIP-368)            a new connection
//	members of one group with the other   with Assignment Eager        yes
//
// # Simulation
//
// Simulate, or kafkago.Simulate, opens the memory backend for a configuration: it checks all that Open checks, and then
// behaves like Kafka with what this configuration and its client library leave of the guarantees. The simulator always
// reads committed records only, places keys by murmur2 and has no quotas: a test that asserts how Isolation, Partitioner,
// Compression, Rack or a fetch size behaves proves nothing there.
//
// # Files
//
// config.go, tls.go and sasl.go are the configuration, settings.go, brokers.go and words.go its checks and defaults; aws.go
// finds credentials for MSK; open.go and backend.go are the backend; simulate.go is the simulator.
package kafka
