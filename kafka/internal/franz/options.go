package franz

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

// common are the options of every kgo.Client: how to connect, and how long to wait. Member is added to the client id, if
// there is one.
func common(s engine.Settings, member string) ([]kgo.Opt, error) {
	id := s.ClientID
	if member != "" {
		id += "-" + member
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...),
		kgo.ClientID(id),
		kgo.Rack(s.Rack),
		kgo.RequestTimeoutOverhead(s.RequestOverhead),
		kgo.MetadataMinAge(s.MetadataMinAge),
		kgo.MetadataMaxAge(s.MetadataMaxAge),
		kgo.BrokerMaxReadBytes(s.ReadBytes),
		kgo.DisableClientMetrics(),
	}
	if s.Dial != nil {
		options = append(options, kgo.Dialer(s.Dial))
	}
	return options, nil
}
