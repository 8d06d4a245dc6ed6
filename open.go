package streamport

import (
	"context"
	"fmt"
	"os"

	"github.com/streamport-go/streamport/internal/confdoc"
	"github.com/streamport-go/streamport/stream"
)

// Open opens the backend that a URL names by its scheme:
//
//	memory:
//	memory:?profile=kinesis&seed=7
//	memory://?profile=kafka&streams=quakes:4,alerts:1
//	kafka://localhost:9092
//	kafka://b1:9093,b2:9093?tls.ca_file=ca.pem&sasl.mechanism=PLAIN&sasl.user=app&sasl.password=${KAFKA_PASSWORD}
//	kafka://b1:9092?client=kafka-go
//	kinesis://orders?region=eu-west-1
//	kinesis://orders?endpoint=http://127.0.0.1:4567&table_endpoint=http://127.0.0.1:8000&create_table=true
//
// Hosts are brokers, or the names of streams; what a backend opens so is not dialled before it is used. The query has the
// keys that the backend's section has in a configuration file, in the same units; a key inside another is written with a
// dot, a list with commas, a stream as name:partitions. ${NAME} stands for an environment variable, as in a file. Variables
// that begin with STREAMPORT_ override nothing here: a URL says all.
//
// A URL has no user and no password: one with an @ is refused, and no error repeats it. All mistakes come in one error,
// ConfigErrors, which Is stream.ErrInvalid. Two calls share nothing. The caller closes the backend.
func Open(ctx context.Context, url string) (stream.Backend, error) {
	if err := usable(ctx); err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	c, err := fromURL(url)
	if err != nil {
		return nil, &stream.Error{Op: "open", Err: err}
	}
	return c.Open(ctx)
}

// usable refuses a context that is missing or has ended, before anything is done.
func usable(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("%w: the context is nil", stream.ErrInvalid)
	}
	return context.Cause(ctx)
}

// fromURL reads the configuration that a URL stands for.
func fromURL(raw string) (*Config, error) {
	url, mistakes := confdoc.ParseURL(raw)
	if url.Scheme == "" {
		if name := confdoc.Nearest(raw, names()); name != "" {
			mistakes[0].Message += "; did you mean " + name + ":?"
		}
		return nil, configErrors(mistakes)
	}
	place := confdoc.Place{File: "url"}
	b, ok := find(url.Scheme)
	if !ok {
		return nil, configErrors([]confdoc.Mistake{{Place: place, Message: unknownBackend(url.Scheme)}})
	}
	switch {
	case url.Host != "" && b.host == "":
		mistakes = append(mistakes, confdoc.Mistake{Place: place, Message: "a URL of " + b.name + " has no host"})
	case url.Host != "":
		host := &confdoc.Node{Kind: confdoc.Scalar, Source: confdoc.FromURL, Place: place, Text: url.Host}
		url.Query.Fields = append([]confdoc.Field{{Key: b.host, Place: place, Value: host}}, url.Query.Fields...)
	}
	if url.Path != "" {
		mistakes = append(mistakes, confdoc.Mistake{Place: place, Message: "a URL of " + b.name + " has no path"})
	}
	name := &confdoc.Node{Kind: confdoc.Scalar, Place: place, Text: b.name}
	root := &confdoc.Node{Kind: confdoc.Map, Place: place, Fields: []confdoc.Field{
		{Key: "backend", Place: place, Value: name},
		{Key: b.name, Place: place, Value: url.Query},
	}}
	return decode(root, mistakes, os.LookupEnv, nil)
}
