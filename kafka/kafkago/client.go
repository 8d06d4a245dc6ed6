package kafkago

import (
	segmentio "github.com/segmentio/kafka-go"

	"github.com/streamport-go/streamport/kafka"
)

// Client is kafka-go's client for questions and single writes, for what package kafka does not offer; nil if b was opened
// by another client library. It has the configuration's brokers, security and RequestTimeout; producers and consumers have
// connections of their own. It knows all topics, and asks the brokers for them every 6 s at most from its first request
// on. Its connections end with b.
func Client(b *kafka.Backend) *segmentio.Client {
	native, _ := b.Native().(*segmentio.Client)
	return native
}
