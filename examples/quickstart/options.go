package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/stream"
)

// options are what the command line says.
type options struct {
	url    string
	config string
	stream string
	group  string
	state  string
}

// defaultURL needs no set-up. A crash shows when the member's session is over: a second is enough to see it.
const defaultURL = "memory:?session=1s"

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.url, "url", defaultURL, "open the backend that this `URL` names")
	flags.StringVar(&o.config, "config", "", "instead of -url: open the backend that this YAML or JSON `file` configures")
	flags.StringVar(&o.stream, "stream", "quakes", "the stream's `name`")
	flags.StringVar(&o.group, "group", "quickstart", "the group's `name`")
	flags.StringVar(&o.state, "state", "", "keep checkpoints in this `directory`; default: in the backend, if it has room")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	urlSet := false
	flags.Visit(func(f *flag.Flag) { urlSet = urlSet || f.Name == "url" })
	if urlSet && o.config != "" {
		return o, errors.New("-url and -config both name a backend; give one")
	}
	return o, nil
}

// open opens the backend. The caller closes it.
func (o options) open(ctx context.Context) (stream.Backend, error) {
	if o.config == "" {
		return streamport.Open(ctx, o.url)
	}
	c, err := streamport.LoadConfig(o.config)
	if err != nil {
		return nil, err
	}
	return c.Open(ctx)
}
