// The quickstart is the library's main job on real events, in one program. On a machine that has only Go:
//
//	go run ./examples/quickstart
//
// It sends 1,707 earthquakes, keyed by the network that saw them, to a stream of four partitions, and two members of
// a group count them: how many each network saw, the largest, the last. Half way one member crashes: it stops without
// leaving and without saving what it has done since its last checkpoint. The other takes its partitions over, gets
// some records again, and the counts are right all the same, because they are saved together with the position
// (Partition.CheckpointState). The program ends by itself when nothing is left to read.
//
// Then it prints the counts, what became of the records, who held which partition from where to where, and what the
// backend can do. All of it is computed from what the members saw. On memory, the default, the output is the same at
// every run: the crash comes after a fixed record of each partition, and until then checkpoints are made by count
// alone.
//
// Nothing here knows a backend, so the same program runs on any:
//
//	go run ./examples/quickstart -url 'memory:?profile=kinesis'
//	go run ./examples/quickstart -config streamport.yaml
//
// Where the backend has no room for the counts beside the position, or with -state, both are kept in a directory.
// Where members cannot be made to crash (no stream.Abandoner), the member stops without a last checkpoint, but leaves
// the group. A group reads a stream once: on a backend that keeps its records, a second run needs another -stream or
// -group.
//
// demo.go tells the story, member.go is the part that a service would have; the rest is bookkeeping and printing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run is the program, for main and for its test.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parseOptions(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	events, err := quakes()
	if err != nil {
		return err
	}
	b, err := o.open(ctx)
	if err != nil {
		return err
	}
	shown := newProgress(stdout, len(events))
	report, err := play(ctx, b, o, events, shown)
	shown.clear()
	if err := errors.Join(err, b.Close()); err != nil {
		return err
	}
	_, err = io.WriteString(stdout, report.String())
	return err
}
