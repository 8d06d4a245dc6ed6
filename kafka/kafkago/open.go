package kafkago

import (
	"context"

	"github.com/streamport-go/streamport/kafka"
)

// Open validates c, whose Client is empty or kafka.KafkaGo, and opens a cluster through kafka-go. It is kafka.Open
// otherwise; what kafka-go cannot do is stream.ErrUnsupported here, and the error names franz-go.
func Open(ctx context.Context, c kafka.Config) (*kafka.Backend, error) {
	return kafka.OpenEngine(ctx, c, driver{})
}
