package kafkago

import (
	"github.com/segmentio/kafka-go/protocol"
)

// A versionsRequest is ApiVersions 3, the first that tells of finalised features (KIP-584).
type versionsRequest struct{}

// A versionsResponse is its answer.
type versionsResponse struct {
	code     int16
	highest  map[int16]int16 // version, by API key
	features map[string]int16
}

// The client, as brokers count it (KIP-511).
const (
	softwareName    = "streamport-kafka-go"
	softwareVersion = "1"
)

// The tagged field of an answer that holds the finalised features.
const finalizedFeatures = 2

func (*versionsRequest) ApiKey() protocol.ApiKey  { return protocol.ApiVersions }
func (*versionsResponse) ApiKey() protocol.ApiKey { return protocol.ApiVersions }

func (*versionsRequest) version() int16 { return 3 }

func (*versionsRequest) encode(b []byte) []byte {
	b = text(b, softwareName)
	b = text(b, softwareVersion)
	return append(b, 0) // no tags
}

// decode has no tags before the body: old clients must be able to read the header.
func (*versionsRequest) decode(body []byte) (protocol.Message, error) {
	r := &reading{left: body}
	a := &versionsResponse{code: r.int16(), highest: map[int16]int16{}, features: map[string]int16{}}
	r.each(func() {
		key := r.int16()
		_ = r.int16() // the lowest
		a.highest[key] = r.int16()
		r.tags(nil)
	})
	_ = r.int32() // throttled, ms
	r.tags(func(tag uint64, field *reading) {
		if tag == finalizedFeatures {
			a.readFeatures(field)
		}
	})
	return a, r.err
}

func (a *versionsResponse) readFeatures(r *reading) {
	r.each(func() {
		name := r.text()
		a.features[name] = r.int16()
		_ = r.int16() // the lowest level
		r.tags(nil)
	})
}
