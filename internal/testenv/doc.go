// Package testenv starts real servers for tests and benchmarks, on free ports of the loopback interface: Apache Kafka, one
// node or three in KRaft mode (Start), emulators of Kinesis (StartKinesis, StartKinesalite) and of DynamoDB
// (StartDynamoDB), and Amazon's own libraries for Kinesis in processes of their own (StartKCL, RunKPL).
//
// It needs a JDK of at least 17 and Maven, and for emulators of Kinesis node and npm. What is fetched is kept, for each
// version once, in the user's cache folder, or in the folder that STREAMPORT_TESTENV_CACHE names; Kafka's jars with an
// archive of their classes, which halves the start of a JVM. A server that cannot start is an error that quotes its log,
// never a skip. Tests that need it carry the build tag servers.
//
// From the call of Start until every node knows all, best of several on two shared cores, JDK 17 (BenchmarkStart):
//
//	        1 node  3 nodes
//	4.4.0   1.7 s   3.2 s
//	3.9.2   1.5 s   3.3 s
//
// The first start of a version on a machine takes 10 s more: jars, then the archive.
//
// The emulators are ready after 0.5 s (kinesis-local), 0.3 s (kinesalite) and 1 s (DynamoDB Local). A worker of the client
// library has its first lease after 4 s to 10 s where table and leases are there, and after half a minute where not.
package testenv
