//go:build servers

package kafka_test

import "testing"

func (b *brokers) badInput(t *testing.T) { b.tests(t, map[string]func(*testing.T){}) }
