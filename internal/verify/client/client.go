// Package client names the client libraries through which a run goes to Kafka's brokers.
package client

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
)

// A Library is a client library, or the two in turn. The zero Library is franz-go.
type Library string

// The libraries.
const (
	Franz   Library = "franz-go"
	KafkaGo Library = "kafka-go"
	Mixed   Library = "mixed" // in one group, as while a fleet is moved from one to the other
)

// Parse reads a library's name.
func Parse(name string) (Library, error) {
	switch l := Library(name); l {
	case "", Franz, KafkaGo, Mixed:
		return l.Resolved(), nil
	}
	return "", fmt.Errorf("there is no client %q: want %s, %s or %s", name, Franz, KafkaGo, Mixed)
}

// Resolved is l, or the default.
func (l Library) Resolved() Library {
	if l == "" {
		return Franz
	}
	return l
}

// Default reports whether it is the one that package kafka takes by itself.
func (l Library) Default() bool { return l.Resolved() == Franz }

// Transactions reports whether there are transactions through it.
func (l Library) Transactions() bool { return l.Default() }

// Of is the library of one of many processes or members, by its number.
func (l Library) Of(number uint64) Library {
	switch {
	case l != Mixed:
		return l.Resolved()
	case number%2 == 0:
		return Franz
	}
	return KafkaGo
}

// Other is the library that one is replaced by where a fleet moves.
func (l Library) Other() Library {
	if l.Default() {
		return KafkaGo
	}
	return Franz
}

// Config is c as the library can have it: groups that members on kafka-go are in share eagerly.
func (l Library) Config(c kafka.Config) kafka.Config {
	if !l.Default() {
		c.Assignment = kafka.Eager
	}
	return c
}

// Open opens a cluster through the library, or through both.
func (l Library) Open(ctx context.Context, c kafka.Config) (Backend, error) {
	switch l.Resolved() {
	case KafkaGo:
		return kafkago.Open(ctx, c)
	case Mixed:
		return openMixed(ctx, c)
	}
	return kafka.Open(ctx, c)
}
