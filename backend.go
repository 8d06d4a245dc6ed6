package streamport

import (
	"context"
	"fmt"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/kafkago"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// backends are the known ones, one line each, in the order in which messages name them. A new one needs its line here and
// its section in Config.
var backends = [...]backend{
	entry("memory", "", func(c *Config) **memory.Config { return &c.Memory }, memory.Open, memory.Config.Simulate),
	entry("kafka", "brokers", func(c *Config) **kafka.Config { return &c.Kafka }, openKafka, simulateKafka),
	entry("kinesis", "streams",
		func(c *Config) **kinesis.Config { return &c.Kinesis }, kinesis.Open, kinesis.Config.Simulate),
}

// A backend is what the front door knows of one: the rest is in its package.
type backend struct {
	name     string // as Config.Backend, as the key of its section and as the scheme of its URLs
	host     string // the key that a URL's host stands for; "": it has none
	open     func(context.Context, *Config) (stream.Backend, error)
	simulate func(*Config, uint64) (memory.Config, error)
	written  func(*Config) bool // whether it has a section
}

// entry makes a line of backends out of what a backend's package exports: its configuration, of which the zero value
// stands for a section that is missing, what opens it, and what checks it without any I/O and returns the simulator's
// configuration for it.
func entry[C any, B stream.Backend](
	name, host string, section func(*Config) **C,
	open func(context.Context, C) (B, error), simulate func(C, uint64) (memory.Config, error),
) backend {
	config := func(c *Config) C {
		if own := *section(c); own != nil {
			return *own
		}
		var zero C
		return zero
	}
	return backend{
		name: name, host: host,
		open: func(ctx context.Context, c *Config) (stream.Backend, error) {
			b, err := open(ctx, config(c))
			if err != nil {
				return nil, err
			}
			return b, nil
		},
		simulate: func(c *Config, seed uint64) (memory.Config, error) { return simulate(config(c), seed) },
		written:  func(c *Config) bool { return *section(c) != nil },
	}
}

// openKafka opens kafka-go where c asks for it, and the default client library otherwise.
func openKafka(ctx context.Context, c kafka.Config) (*kafka.Backend, error) {
	if c.Client == kafka.KafkaGo {
		return kafkago.Open(ctx, c)
	}
	return kafka.Open(ctx, c)
}

func simulateKafka(c kafka.Config, seed uint64) (memory.Config, error) {
	if c.Client == kafka.KafkaGo {
		return kafkago.Simulation(c, seed)
	}
	return c.Simulate(seed)
}

func names() []string {
	all := make([]string, len(backends))
	for i, b := range backends {
		all[i] = b.name
	}
	return all
}

func find(name string) (backend, bool) {
	for _, b := range backends {
		if b.name == name {
			return b, true
		}
	}
	return backend{}, false
}

// unknownBackend says which backends there are.
func unknownBackend(name string) string {
	if name == "" {
		return "no backend is named" + confdoc.Suggest("", names())
	}
	return fmt.Sprintf("unknown backend %q%s", confdoc.Printable(name), confdoc.Suggest(name, names()))
}
