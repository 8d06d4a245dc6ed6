// Package field runs the adapters where they will work: on servers in processes of their own, three Kafka brokers, or
// emulators of Kinesis and DynamoDB. Members of a group are processes too, and a nemesis kills, pauses and cuts off both.
//
// Three programs run there. Exactly checks exactly-once processing on Kafka: every input has one output, whatever was
// killed. Long, on Kafka, and Kinesis run the workload of package workload and judge its history with package check.
//
// Workers are this same executable, started again: main must hand its arguments to Work before it looks at them.
package field
