package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// A command is one subcommand: a family of sides and the studies that compare them.
type command struct {
	name    string
	summary string
	open    func(Options) (studies []study, end func() error)
}

// kafkaCommand is the subcommand with flags of its own.
const kafkaCommand = "kafka"

// kinesisCommand has a default of its own.
const kinesisCommand = "kinesis"

// commands lists what can be run; a service that joins the benchmark adds its line here.
var commands = []command{
	{name: "memory", summary: "the memory backend beside a channel, Watermill's gochannel and mempubsub", open: memoryStudies},
	{name: kafkaCommand, summary: "the Kafka backend beside bare franz-go and other clients and layers, on real brokers", open: kafkaStudies},
	{name: kinesisCommand, summary: "the Kinesis backend beside Amazon's bare SDK, and its leases, on a fake service", open: kinesisStudies},
}

func main() {
	if mine, err := actAsChild(os.Args[1:]); mine {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// dispatch runs the subcommand that args name. Results go to out, progress and usage to errs.
func dispatch(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no subcommand; known: %s", known())
	}
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return fmt.Errorf("unknown subcommand %q; known: %s", args[0], known())
	}
	o, err := parseOptions(commands[i].name, args[1:], errs)
	if err != nil {
		return err
	}
	return run(ctx, commands[i], o, out, errs)
}

func known() string {
	lines := make([]string, len(commands))
	for i, c := range commands {
		lines[i] = fmt.Sprintf("%s (%s)", c.name, c.summary)
	}
	return strings.Join(lines, ", ")
}
