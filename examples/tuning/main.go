// Tuning shows what tuning costs and gives. It takes the profiles that guides recommend for Kafka, says what each takes
// away from the guarantees of the defaults, and, on real brokers, what each gives.
//
//	go run ./examples/tuning                                  # what is taken away, from the simulator: needs no broker
//	go run ./examples/tuning -brokers localhost:9092          # and what is given
//
// Seen on Apache Kafka 4.4.0, one node beside this program on a machine of two busy cores, 50,000 records of about 200
// bytes that compress well, 4 partitions, the best of 3 (go test -tags servers -v ./examples/tuning):
//
//	PRODUCING               RECORDS/S  OF THE DEFAULTS
//	the defaults            79376      1.00
//	as the guide says       189831     2.39
//	the same, acks=all      69031      0.87
//	full batches, acks=all  320435     4.04
//	CONSUMING               RECORDS/S  OF THE DEFAULTS
//	the defaults            896582     1.00
//	as the guide says       905444     1.01
//
// So waiting for fuller batches gains more than acks=1, and costs no guarantee.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tuning:", err)
		os.Exit(1)
	}
}

// run is the program, for main and for its test.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("tuning", flag.ContinueOnError)
	flags.SetOutput(stdout)
	brokers := flags.String("brokers", "", "measure on the brokers at these `addresses`, separated by commas")
	records := flags.Int("records", 100_000, "how many records to measure with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := losses(ctx, stdout); err != nil || *brokers == "" {
		return err
	}
	return measure(ctx, strings.Split(*brokers, ","), *records, stdout)
}

// losses says what each profile of a producer takes away, asked of the simulator as it stands for the profile.
func losses(ctx context.Context, stdout io.Writer) error {
	before, err := capabilities(ctx, baseline)
	if err != nil {
		return err
	}
	for _, p := range producing[1:] {
		after, err := capabilities(ctx, p)
		if err != nil {
			return err
		}
		diff := stream.Diff(before, after)
		if diff == "" {
			diff = "nothing changes"
		}
		fmt.Fprintf(stdout, "%s, against %s:\n  %s\n\n", p.name, baseline.name, strings.ReplaceAll(diff, "\n", "\n  "))
	}
	return nil
}

// capabilities are what a topic would have under a profile.
func capabilities(ctx context.Context, p profile) (stream.Capabilities, error) {
	p.config.Brokers = []string{"simulated:9092"}
	b, err := kafka.Simulate(p.config, 1)
	if err != nil {
		return stream.Capabilities{}, err
	}
	defer func() { _ = b.Close() }() // nothing is in it
	if err := stream.EnsureStream(ctx, b, stream.StreamConfig{Name: topic}); err != nil {
		return stream.Capabilities{}, err
	}
	return b.Capabilities(ctx, topic)
}
