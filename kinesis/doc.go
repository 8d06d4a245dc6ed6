// Package kinesis is the backend on Amazon Kinesis Data Streams: a [stream.Backend] on the AWS SDK.
//
//	b, err := kinesis.Open(ctx, kinesis.Config{Region: "eu-west-1"})
//
// A stream is named by its name or its ARN, and its partitions are the shards. A position is a sequence number with the
// index inside an aggregate. A checkpoint is in the shard's lease, a row of a DynamoDB table that has the form of Amazon's
// Kinesis Client Library (KCL), whose workers can share it; the handler's state is beside it.
//
// # Producing
//
// The service has no order of keys beyond one record at a time, and no idempotence. With KeyOrdered, the default, the
// producer keeps at most one record of a key on its way; a retry after a lost answer stores a record twice, next to itself.
// Kinesis has no headers, no nil values and no keys but text: see Config.Tags.
//
// # Consuming
//
// Members share shards by leases. Both parents of a shard are finished before it is read, a closed shard is read to its
// end, and shards that appear later are read from their beginning; nothing that arrived before the group's start is
// delivered. A lease whose owner is silent is taken after Failover, measured by each observer on its own clock.
// A group's Latest is the moment of the listing at its birth by the service's clock, which tells whole seconds: a group may
// be given records of the last 1.25 seconds before.
//
// # Simulation
//
// Simulate opens the memory backend for a configuration: it checks all that Open checks, and then behaves like Kinesis with
// what this configuration leaves of its guarantees. The simulator answers at once and polls nothing: a test that asserts
// rates, fan-out or costs proves nothing there.
//
// # Files
//
// config.go is the configuration, check.go its checks and defaults; open.go and aws.go make the clients; backend.go is
// the backend, simulate.go the simulator. What the service can do is found out in internal/probe; producing
// is internal/producer, consuming internal/consumer with internal/lineage (which shard when), internal/lease (whose) and
// internal/reader (how); internal/aggregate is KPL's format. Only internal/awskinesis and internal/lease/dynamo speak to
// AWS.
package kinesis
