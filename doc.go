// Package streamport opens a log service by URL or by configuration: Apache Kafka, Amazon MSK, Amazon Kinesis Data
// Streams, or memory. It is the front door; what a service then works with is package stream.
//
//	b, err := streamport.Open(ctx, "memory:?profile=kafka&streams=orders:4")
//
// or, with a file that names the backend and what it needs,
//
//	c, err := streamport.LoadConfig("streamport.yaml")
//	b, err := c.Open(ctx)
//
// # Where to look
//
//	stream              the contract: producers, consumers, capabilities, and everything written once for all backends
//	stream/streamtest   the conformance suite that every backend passes; third parties can run it on theirs
//	stream/streammock   mocks, for the few tests where a call itself is the point
//	kafka               the backend on Apache Kafka and Amazon MSK; its engine seam is kafka/internal/engine
//	kafka/kafkago       the same through the client library kafka-go, for services that run on that
//	kinesis             the backend on Amazon Kinesis Data Streams, with leases in DynamoDB
//	memory              a deterministic simulator of a partitioned log service, to test services on
//	examples            programs that run on memory with no set-up: quickstart, testing, swap, tuning
//	docs                access rights on Kafka (ACLs) and AWS (IAM), Kinesis for operators
//	internal            configuration, real servers and a fake Kinesis for tests, the capability table, benchmarks, the history checker
//
// A reader who opens this file, stream/doc.go and stream/backend.go knows the design.
package streamport
