// Package httpfault is a reverse proxy that does harm on demand to the HTTP traffic between a client and an emulator of
// Kinesis or DynamoDB: it refuses, delays, holds, loses and cuts the calls of chosen operations, and fails single
// entries of PutRecords.
//
//	proxy, err := httpfault.Listen(emulator.Endpoint(), 1)
//	lost := proxy.Set(httpfault.Rule{Kind: httpfault.Lose, Ops: []string{"PutRecords"}, Times: 1})
//	… the client calls proxy.Endpoint() …
//	<-lost.Fired()
//
// Operations are named as in the header X-Amz-Target, without what stands before the dot. Bodies may be JSON or CBOR.
//
// The proxy also puts the frame before a subscription's events that the service sends and kinesis-local does not; see
// Subscribing.
package httpfault
