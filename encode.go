package streamport

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport/internal/confdoc"
)

// MarshalYAML writes c as LoadConfig reads it, without what is zero. Secrets are written as "***", which LoadConfig
// refuses, and what only Go can say, such as a fault script, is left out.
func (c Config) MarshalYAML() (any, error) {
	root, err := schema().Encode(c)
	if err != nil {
		return nil, err
	}
	return root.YAML(), nil
}

// MarshalJSON writes the same as MarshalYAML, every value as a JSON string.
func (c Config) MarshalJSON() ([]byte, error) {
	root, err := schema().Encode(c)
	if err != nil {
		return nil, err
	}
	return root.JSON()
}

// String returns what MarshalYAML writes: no secret is in it.
func (c Config) String() string {
	text, err := yaml.Marshal(c)
	if err != nil {
		return "a configuration that cannot be written: " + confdoc.Printable(err.Error())
	}
	return strings.TrimSuffix(string(text), "\n")
}
