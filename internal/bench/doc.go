// Command bench compares Streamport with what people would use in its place. It is a module of its own, so that those
// peers are no dependency of Streamport.
//
//	go -C internal/bench run . memory
//	go -C internal/bench run . memory -json report.json
//	go -C internal/bench run . memory -only 'throughput|consume' -n 2000000 -cpuprofile cpu.pprof
//	go -C internal/bench run . memory -smoke
//	go -C internal/bench run . kafka
//	go -C internal/bench run . kafka -brokers 127.0.0.1:9092 -full -only 'produce|consume'
//	go -C internal/bench run . kinesis
//
// A run prints tables, then the table of metrics with targets, and at last one line a metric for machines: the word
// metric, name, value and unit between single spaces. README.md says what each metric means.
//
// # How it measures
//
// All sides run in one process, in turn, so many times (-reps), and every second time backwards. Before each stretch the
// side is opened and warmed up, and the garbage is collected. A ratio is taken repetition by repetition; what is reported
// is the median, with the least and the most beside it. Every side moves the same records in rotation, and a sum over
// what was received shows that nothing was lost, doubled or mangled.
//
// # The files
//
//	main.go options.go run.go report.go     subcommands, flags, the course of a run, what it prints
//	metric.go table.go sample.go            figures
//	contest.go                              sides in turn
//	load.go lane.go receiver.go             the records, and counting them
//	side.go side_*.go                       one way to move records each: a new peer is a file of this kind
//	sender.go handler.go drain.go           using this library
//	memory.go                               the subcommand memory: its sides, and its studies in
//	produce.go consume.go bykey.go footprint.go middle.go trim.go rebalance.go cast.go
//	peer.go peer_*.go                       one client library at a broker each
//	meter.go rate.go                        measuring what comes from a broker, from the middle of the stream
//	kafka.go kafka_venue.go kafka_cluster.go kafka_shape.go   the subcommand kafka: its brokers and topics, and its studies in
//	kafka_produce.go kafka_consume.go kafka_latency.go kafka_eos.go kafka_held.go kafka_gaps.go kafka_failover.go
//	child.go bubble.go                      what runs in other processes, and in virtual time
//	kinesis.go kinesis_service.go kinesis_wire.go kinesis_side.go kinesis_sdk.go intake.go   the subcommand kinesis: its
//	service in another process, its sides, and its studies in
//	kinesis_put.go kinesis_get.go
//	kinesis_world.go kinesis_offer.go kinesis_fleet.go   and in virtual time: a service with limits, what is offered to it,
//	members that share leases, and the studies in
//	kinesis_shards.go kinesis_hotkey.go kinesis_leases.go
package main
