// Package item says how a lease is written as an item of a DynamoDB table: the attributes of Amazon's Kinesis Client Library
// (KCL) and our private ones, and the expressions of conditional writes. It imports nothing of the SDK.
package item
