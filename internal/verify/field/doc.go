// Package field runs the Kafka adapter where it will work: three real brokers, members of a group as processes, and a
// nemesis that kills, pauses and cuts off both.
//
// Two programs run there. Exactly checks exactly-once processing: every input has one output, whatever was killed. Long
// runs the workload of package workload and judges its history with package check.
//
// Workers are this same executable, started again: main must hand its arguments to Work before it looks at them.
package field
