// Package lease shares the shards of a stream among the members of a group by rows in a table: the table, the names of its
// attributes and the conditions of its writes are those of Amazon's Kinesis Client Library (KCL), so that a fleet of its
// workers can take part. It imports nothing of the SDK: package dynamo keeps the rows in DynamoDB.
//
// A lease is held by who last raised its counter. Time is measured by each observer for itself: a row whose counter has not
// moved for the failover time has lost its owner. No clock is compared with another.
package lease
