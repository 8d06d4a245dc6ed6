// Package testenv starts real Apache Kafka for tests and benchmarks: one node or three, in KRaft mode, on free ports of
// the loopback interface.
//
// It needs a JDK of at least 17 and Maven. The jars are fetched once for each version and kept in the user's cache
// folder, or in the folder that STREAMPORT_TESTENV_CACHE names. A server that cannot start is an error, never a skip.
package testenv
