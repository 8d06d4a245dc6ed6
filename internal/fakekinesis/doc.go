// Package fakekinesis is Amazon Kinesis Data Streams, and as much of Amazon DynamoDB as leases need, inside the process. It
// speaks the wire protocols of the services to the real SDK over an http.RoundTripper, keeps the limits that their
// documentation states, and fails as a script says.
//
// All time is package time's, and nothing runs but what answers a request or feeds an open subscription, so that it works in
// testing/synctest bubbles. What it decides freely it decides by its seed.
package fakekinesis
