// Package cbor encodes PutRecords and GetRecords as Amazon's Java SDK does (application/x-amz-cbor-1.1; RFC 8949): the names
// are those of the JSON form, data are bytes and not base64, times are milliseconds since 1970 with tag 1.
//
// What is read may be anything: nothing panics, and memory stays within a small multiple of the input.
package cbor

// ContentType is the media type of requests and answers.
const ContentType = "application/x-amz-cbor-1.1"
