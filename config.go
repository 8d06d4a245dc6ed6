package streamport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kinesis"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// Config names a backend and configures it. It can be read by LoadConfig, be made in Go, or be a field of a service's own
// configuration: see UnmarshalYAML and UnmarshalJSON for what is different there.
//
// Sections of backends other than Backend are allowed, so that one file serves several environments; they are checked
// all the same. The zero Config names no backend, and Open refuses it.
//
// In files the keys are the names of the fields in lower case with underscores: MaxRecordBytes is max_record_bytes. Sizes
// are "1MiB" (1,048,576 bytes), "10MB" (10,000,000 bytes) or a bare number of bytes; durations are "250ms", "1h30m" or
// "7d", never a bare number; a retention may be "forever"; a stream may be written as "name:partitions". In any value
// ${NAME} stands for an environment variable, which must be set, ${NAME:-text} for text where it is not set or empty, and
// $${ for the two characters ${. A value of 0 is refused where it would mean the default.
type Config struct {
	Backend string          // "memory", "kafka" or "kinesis"
	Memory  *memory.Config  // nil: the zero memory.Config
	Kafka   *kafka.Config   // needed for "kafka": there is no default for its brokers
	Kinesis *kinesis.Config // nil: the zero kinesis.Config, with what AWS's chain finds
}

// EnvPrefix begins the names of the environment variables that override what LoadConfig reads.
const EnvPrefix = "STREAMPORT_"

// maxFileBytes bounds a configuration file.
const maxFileBytes = 1 << 20

// LoadConfig reads a file of YAML (.yaml, .yml) or JSON (.json), then the environment: a variable named STREAMPORT_ and
// the path of keys in upper case, joined by underscores, replaces what the file says.
//
//	STREAMPORT_BACKEND=memory
//	STREAMPORT_MEMORY_PROFILE=kinesis
//	STREAMPORT_MEMORY_STREAMS=quakes:4,alerts:1
//
// A list is written with commas and replaced as a whole; a secret can be given as the variable, or with _FILE appended to
// its name as a file's path. The values of these variables are taken as they are: ${NAME} is not expanded in them. A
// variable that begins with STREAMPORT_ and names no key is a mistake; those that Kubernetes sets for a service of that
// name are not looked at.
//
// The configuration is checked whole, without any I/O beside the files it names: unknown and duplicate keys, wrong units,
// values out of range and contradictions all come in one error, ConfigErrors, each with file, line and the nearest right
// key. It Is stream.ErrInvalid.
func LoadConfig(path string) (*Config, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, &stream.Error{Op: "load configuration", Err: err}
	}
	return c, nil
}

func loadConfig(path string) (*Config, error) {
	parse := confdoc.ParseYAML
	switch extension := filepath.Ext(path); extension {
	case ".yaml", ".yml":
	case ".json":
		parse = confdoc.ParseJSON
	default:
		message := fmt.Sprintf("the extension %q is not one of .yaml, .yml and .json", confdoc.Printable(extension))
		return nil, ConfigErrors{{File: path, Message: message}}
	}
	data, err := readFile(path)
	if err != nil {
		return nil, ConfigErrors{{File: path, Message: "cannot be read: " + cause(err), Err: err}}
	}
	root, mistakes := parse(data, path)
	if root == nil {
		return nil, configErrors(mistakes)
	}
	return decode(root, mistakes, os.LookupEnv, os.Environ())
}

// readFile reads at most one byte more than a configuration may have: the parsers refuse it then.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	return data, errors.Join(err, f.Close())
}

// cause leaves out the path, which a ConfigError has already.
func cause(err error) string {
	var place *os.PathError
	if errors.As(err, &place) {
		return place.Err.Error()
	}
	return err.Error()
}

// Open opens the backend that c names. A mistake is ConfigErrors or an error of the backend, and Is stream.ErrInvalid, or
// stream.ErrUnsupported where the backend cannot do what is asked. The caller closes the backend; c is not kept.
func (c *Config) Open(ctx context.Context) (stream.Backend, error) {
	if err := usable(ctx); err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	b, err := c.backend()
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	return b.open(ctx, c)
}

// Simulate checks c as Open does, without any I/O, and opens the memory simulator instead: with the profile of the
// backend that c names, the capabilities that c would have there, and seed for every choice. A service's unit test so
// runs on its production configuration. The caller closes the backend.
func (c *Config) Simulate(seed uint64) (*memory.Backend, error) {
	b, err := c.backend()
	if err != nil {
		return nil, &stream.Error{Op: "simulate", Err: err}
	}
	simulated, err := b.simulate(c, seed)
	if err != nil {
		return nil, &stream.Error{Op: "simulate", Err: err}
	}
	return memory.Open(context.Background(), simulated)
}

func (c *Config) backend() (backend, error) {
	if c == nil {
		return backend{}, ConfigErrors{{Message: "the configuration is nil"}}
	}
	b, ok := find(c.Backend)
	if !ok {
		return backend{}, ConfigErrors{{Key: "backend", Message: unknownBackend(c.Backend)}}
	}
	return b, nil
}
