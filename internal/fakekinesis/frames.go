package fakekinesis

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
)

const contentEvents = "application/vnd.amazon.eventstream"

// A header of a frame; all values are strings.
type header struct{ name, value string }

// frame encodes a message of an event stream: lengths, their checksum, headers, payload, and the checksum of it all.
func frame(payload []byte, headers ...header) []byte {
	const prelude, trailer, text = 12, 4, 7 // text is the type of a string value
	var h []byte
	for _, x := range headers {
		h = append(append(h, byte(len(x.name))), x.name...)
		h = append(binary.BigEndian.AppendUint16(append(h, text), uint16(len(x.value))), x.value...)
	}
	total := prelude + len(h) + len(payload) + trailer
	b := binary.BigEndian.AppendUint32(make([]byte, 0, total), uint32(total))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, h...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// initialFrame begins an event stream: the SDK wants it first.
func initialFrame() []byte { return message([]byte("{}"), "event", "initial-response") }

// eventFrame is an event of a subscription.
func eventFrame(e *shardEvent) []byte {
	body, _ := json.Marshal(e) // of texts, bytes and numbers: it cannot fail
	return message(body, "event", "SubscribeToShardEvent")
}

// exceptionFrame ends a subscription with an error.
func exceptionFrame(f *failure) []byte { return message(failJSON(f), "exception", f.code) }

// message is a frame with the headers that Kinesis gives it.
func message(payload []byte, kind, name string) []byte {
	return frame(payload,
		header{":message-type", kind}, header{":" + kind + "-type", name}, header{":content-type", contentJSON})
}
