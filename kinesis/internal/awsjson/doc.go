// Package awsjson writes and reads PutRecords and GetRecords in AWS's JSON 1.1, the two operations whose bodies are
// large: several times as fast as the SDK, which knows nothing of what is in them. It reads only what it is sure of, and
// leaves the rest to the SDK.
package awsjson

// ContentType is the media type.
const ContentType = "application/x-amz-json-1.1"
