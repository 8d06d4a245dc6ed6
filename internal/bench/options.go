package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// minRepetitions is the fewest repetitions that a reported median may come from.
const minRepetitions = 5

// Options says how a run is made. The zero value is not valid: parseOptions fills it in.
type Options struct {
	Repetitions int            // alternating repetitions of each side; at least minRepetitions unless Smoke
	Records     int            // records that a fast side moves in one repetition
	Smoke       bool           // everything tiny: shows that it runs, measures nothing
	Only        *regexp.Regexp // the studies to run, by name
	Brokers     []string       // of kafka: a cluster that runs already; empty: one is started
	Full        bool           // of kafka: the whole grid of shapes
	JSON        string         // file to write the report to; empty: none
	CPUProfile  string         // file for a CPU profile of the whole run; empty: none
	MemProfile  string         // file for an allocation profile of the whole run; empty: none
}

func parseOptions(command string, args []string, errs io.Writer) (Options, error) {
	var o Options
	var only, brokers string
	f := flag.NewFlagSet("bench "+command, flag.ContinueOnError)
	f.SetOutput(errs)
	reps, records := 7, 500_000
	if command == kafkaCommand {
		reps, records = minRepetitions, kafkaRecords
		f.StringVar(&brokers, "brokers", "", "`addresses` of a cluster that runs already, with commas; default: one is started")
		f.BoolVar(&o.Full, "full", false, "the grid of 1 and 12 partitions, 100 B and 1 KiB, none and lz4")
	}
	if command == kinesisCommand {
		reps, records = minRepetitions, kinesisRecords
	}
	f.IntVar(&o.Repetitions, "reps", reps, "alternating repetitions of each side, at least 5")
	f.IntVar(&o.Records, "n", records, "records that a fast side moves in one repetition")
	f.BoolVar(&o.Smoke, "smoke", false, "run everything tiny, in a few seconds, to see that it runs")
	f.BoolVar(&o.Smoke, "short", false, "the same as -smoke")
	f.StringVar(&only, "only", "", "run only the studies whose name matches this regular expression")
	f.StringVar(&o.JSON, "json", "", "write the whole report to this `file` as JSON")
	f.StringVar(&o.CPUProfile, "cpuprofile", "", "write a CPU profile of the run to this `file`")
	f.StringVar(&o.MemProfile, "memprofile", "", "write an allocation profile of the run to this `file`")
	if err := f.Parse(args); err != nil {
		return Options{}, err
	}
	var err error
	if o.Only, err = regexp.Compile(only); err != nil {
		return Options{}, fmt.Errorf("-only: %w", err)
	}
	if brokers != "" {
		o.Brokers = strings.Split(brokers, ",")
	}
	if o.Smoke {
		o.Repetitions, o.Records = 1, 2*poolSize
	}
	return o, o.check(f.Args())
}

func (o Options) check(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("arguments that are no flags: %q", rest))
	}
	if !o.Smoke && o.Repetitions < minRepetitions {
		errs = append(errs, fmt.Errorf("-reps %d: at least %d", o.Repetitions, minRepetitions))
	}
	if slices.Contains(o.Brokers, "") {
		errs = append(errs, errors.New("-brokers: an address is empty"))
	}
	if o.Records < poolSize {
		errs = append(errs, fmt.Errorf("-n %d: at least %d", o.Records, poolSize))
	}
	return errors.Join(errs...)
}

// size is full, or small in a smoke run.
func (o Options) size(full, small int) int {
	if o.Smoke {
		return small
	}
	return full
}
