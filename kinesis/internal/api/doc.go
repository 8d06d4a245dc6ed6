// Package api says what the adapter needs of Amazon Kinesis Data Streams, without the SDK's types: package awskinesis
// speaks to the service, tests may put something else in its place.
//
// No call is retried below this interface: who calls decides, since order, pace and duplicates depend on it. Every error of
// the service is an *Error.
package api
