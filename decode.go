package streamport

import (
	"os"
	"reflect"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// UnmarshalYAML reads a Config that is part of a service's own configuration, which the service decodes with
// go.yaml.in/yaml/v4. All is as with LoadConfig, lines included, but for two things: mistakes name no file, since a
// decoder does not know it, and STREAMPORT_ variables override nothing, since the service's configuration is the
// service's. ${NAME} is expanded. What c held before is replaced.
//
// The error of that package Is stream.ErrInvalid and its text has every mistake, but errors.As does not find ConfigErrors
// in it at once: find a *yaml.LoadError, and ConfigErrors in that.
//
// Other YAML packages do not call it. Those that go by way of JSON work as UnmarshalJSON does.
func (c *Config) UnmarshalYAML(n *yaml.Node) error {
	root, mistakes := confdoc.ConvertYAML(n, "")
	return c.replace(root, mistakes)
}

// UnmarshalJSON reads a Config that is part of a service's own configuration. All is as with UnmarshalYAML, but lines are
// lost too: they count from the beginning of this Config, since encoding/json hands over nothing but its bytes.
func (c *Config) UnmarshalJSON(data []byte) error {
	root, mistakes := confdoc.ParseJSON(data, "")
	if root == nil {
		return configErrors(mistakes)
	}
	return c.replace(root, mistakes)
}

func (c *Config) replace(root *confdoc.Node, mistakes []confdoc.Mistake) error {
	read, err := decode(root, mistakes, os.LookupEnv, nil)
	if err != nil {
		return err
	}
	*c = *read
	return nil
}

// decode reads a configuration out of a tree, with environ over it, and checks it whole. Mistakes were found already.
func decode(
	root *confdoc.Node, mistakes []confdoc.Mistake, lookup func(string) (string, bool), environ []string,
) (*Config, error) {
	d := confdoc.NewDecoder(schema(), lookup)
	d.Add(mistakes...)
	d.Override(root, reflect.TypeFor[Config](), EnvPrefix, environ)
	c := new(Config)
	d.Decode(root, c)
	check{lookup: lookup, decoder: d}.run(root, c)
	if err := configErrors(d.Mistakes()); err != nil {
		return nil, err
	}
	return c, nil
}

// schema says what the types of Config's sections do not say by themselves.
func schema() confdoc.Schema {
	return confdoc.Schema{
		Tags: map[reflect.Type]map[string]string{
			reflect.TypeFor[memory.Config]():       {"Seed": ",zero"},
			reflect.TypeFor[stream.StreamConfig](): {"Retention": ",forever"},
		},
		Words: map[reflect.Type][]string{
			reflect.TypeFor[memory.Profile]():    {"strict", "kafka", "kinesis"},
			reflect.TypeFor[memory.Assignment](): words(memory.Cooperative, memory.Eager),
			reflect.TypeFor[kafka.Client]():      words(kafka.FranzGo, kafka.KafkaGo),
			reflect.TypeFor[kafka.Acks]():        words(kafka.AcksAll, kafka.AcksLeader, kafka.AcksNone, "-1", "1", "0"),
			reflect.TypeFor[kafka.Codec]():       words(kafka.None, kafka.Gzip, kafka.Snappy, kafka.LZ4, kafka.Zstd),
			reflect.TypeFor[kafka.Isolation]():   words(kafka.ReadCommitted, kafka.ReadUncommitted),
			reflect.TypeFor[kafka.Assignment]():  words(kafka.Cooperative, kafka.Eager, kafka.Server),
			reflect.TypeFor[kafka.Mechanism]():   words(kafka.Plain, kafka.SCRAM256, kafka.SCRAM512, kafka.OAuthBearer, kafka.AWSMSKIAM),

			reflect.TypeFor[kinesis.Mode]():        words(kinesis.KeyOrdered, kinesis.Strict, kinesis.Unordered),
			reflect.TypeFor[kinesis.Aggregation](): words(kinesis.AggregateOff, kinesis.SameKey, kinesis.ByShard),
			reflect.TypeFor[kinesis.Compression](): words(kinesis.NoCompression, kinesis.Gzip, kinesis.Zstd),
		},
		Short: map[reflect.Type][]string{
			reflect.TypeFor[stream.StreamConfig](): {"name", "partitions"},
		},
		Skip: map[reflect.Type]bool{
			reflect.TypeFor[stream.Capabilities](): true, // of a probed target: for tests, which are written in Go
		},
	}
}

func words[W ~string](all ...W) []string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = string(w)
	}
	return texts
}
