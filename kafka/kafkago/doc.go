// Package kafkago opens Apache Kafka and Amazon MSK through github.com/segmentio/kafka-go, for services that run on that
// client and know how to operate it. Package kafka, through franz-go, is the default, and can do more: see there when to
// choose which.
//
// Of kafka-go it uses Transport, its protocol messages and ConsumerGroup, never Reader, which delivers what was aborted and
// takes empty values for nil, nor Writer, which repeats records.
package kafkago
