// Package testenv starts real Apache Kafka for tests and benchmarks: one node or three, in KRaft mode, on free ports of
// the loopback interface.
//
// It needs a JDK of at least 17 and Maven. The jars are fetched once for each version and kept, with an archive of their
// classes that halves the start of a JVM, in the user's cache folder, or in the folder that STREAMPORT_TESTENV_CACHE
// names. A server that cannot start is an error that quotes its log, never a skip. Tests that need it carry the build
// tag servers.
//
// From the call of Start until every node knows all, best of several on two shared cores, JDK 17 (BenchmarkStart):
//
//	        1 node  3 nodes
//	4.4.0   1.7 s   3.2 s
//	3.9.2   1.5 s   3.3 s
//
// The first start of a version on a machine takes 10 s more: jars, then the archive.
package testenv
