package awskinesis

import "slices"

// operations is what a Service calls.
var operations = [...]string{
	"CreateStream", "DecreaseStreamRetentionPeriod", "DeregisterStreamConsumer", "DescribeStreamConsumer", "DescribeStreamSummary",
	"GetRecords", "GetShardIterator", "IncreaseStreamRetentionPeriod", "ListShards", "PutRecord", "PutRecords",
	"RegisterStreamConsumer", "SubscribeToShard", "UpdateMaxRecordSize",
}

// Operations are the API operations that a Service calls, in alphabetic order.
func Operations() []string { return slices.Clone(operations[:]) }
