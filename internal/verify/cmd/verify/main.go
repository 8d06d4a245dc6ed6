// Command verify runs seeds of the workload and judges their histories.
//
//	go -C internal/verify run ./cmd/verify -env memory -seeds 20000 -commit $(git rev-parse HEAD)
//	go -C internal/verify run -tags synctests ./cmd/verify -env kfake -seeds 300
//	go -C internal/verify run -tags synctests ./cmd/verify -env kfake -client kafka-go -seeds 300
//	go -C internal/verify run ./cmd/verify -env kafka -minutes 1
//	go -C internal/verify run ./cmd/verify -env kafka -client mixed -minutes 1
//	go -C internal/verify run ./cmd/verify -env kinesis -minutes 1
//	go -C internal/verify run ./cmd/verify -env kafka -exactly -version 3.9.2 -inputs 50000 -kills 10 -java
//	go -C internal/verify run ./cmd/verify -env kafka -exactly -mutant offsets-first
//
// It prints how much it met, and fails if anything is wrong or if it met too little to prove anything. A seed that fails
// is run again with ever fewer faults, and the line that replays it is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/env/kfake"
	"github.com/streamport-go/streamport/internal/verify/field"
	"github.com/streamport-go/streamport/internal/verify/mutant"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// gcPercent lets garbage grow to four times what lives: a run's is all dead a few milliseconds later.
const gcPercent = 400

// The environments of servers in processes of their own, which start with the run.
const (
	brokers   = "kafka"
	emulators = "kinesis"
)

// options are the command line.
type options struct {
	env, commit, replay, mutant string
	client                      string
	seeds                       int
	seed                        uint64
	show, conform, first, list  bool
	racy                        bool
	field                       field.Options
}

func main() {
	if working, err := field.Work(os.Args); working {
		if err != nil {
			fmt.Fprintln(os.Stderr, "verify:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.env, "env", "memory", "the environment: memory, kfake (build with -tags synctests), fakekinesis, kafka: real brokers, or kinesis: emulators")
	flag.StringVar(&o.client, "client", string(client.Franz), "kfake, kafka: the client library: franz-go, kafka-go, or mixed: both in one group")
	flag.IntVar(&o.seeds, "seeds", 1000, "how many seeds")
	flag.Uint64Var(&o.seed, "seed", 0, "the first seed")
	flag.StringVar(&o.commit, "commit", "", "half of the seeds come from this commit's id")
	flag.StringVar(&o.replay, "replay", "", "replay one kept seed: \"seed profile script\"")
	flag.BoolVar(&o.show, "show", false, "with -replay: print the history")
	flag.StringVar(&o.mutant, "mutant", "", "run a deliberately broken variant; it must not pass")
	flag.BoolVar(&o.conform, "conformance", false, "run package streamtest instead of seeds")
	flag.BoolVar(&o.first, "first", false, "end at the first seed that fails")
	flag.BoolVar(&o.racy, "racy", false, "let goroutines run side by side: more happens, and no seed repeats exactly")
	flag.BoolVar(&o.list, "mutants", false, "list the mutants")
	o.field.Flags(flag.CommandLine)
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(2)
	}
	if o.list {
		for _, m := range mutant.All() {
			fmt.Println(m.Name)
		}
		return
	}
	if o.env == brokers || o.env == emulators {
		o.field.Kinesis, o.field.Client = o.env == emulators, client.Library(o.client)
		os.Exit(o.runField())
	}
	test := o.run
	switch {
	case o.conform:
		test = o.conformance
	case o.replay != "":
		test = o.again
	}
	debug.SetGCPercent(gcPercent)
	// Bubbles need a *testing.T. Main runs a test outside of go test, and exits.
	testing.Main(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "verify", F: test}}, nil, nil)
}

// runField runs on servers, and returns the exit code. A signal ends it in order.
func (o options) runField() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.field.Run(ctx, o.seed, o.mutant, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		return 1
	}
	return 0
}

func (o options) check() error {
	if _, err := client.Parse(o.client); err != nil {
		return err
	}
	switch {
	case o.env == trial.Kfake && !kfake.Bubbles:
		return errors.New("franz-go works in bubbles only with -tags synctests")
	case o.env != "memory" && o.env != trial.Kfake && o.env != trial.FakeKinesis && o.env != brokers && o.env != emulators:
		return fmt.Errorf("there is no environment %q", o.env)
	}
	return nil
}

// of gives a seed's trial, of a mutant if one is named.
func (o options) of(t *testing.T) func(uint64) trial.Trial {
	switch o.env {
	case trial.Kfake:
		return trial.Brokers(client.Library(o.client))
	case trial.FakeKinesis:
		return trial.Kinesis
	}
	if o.mutant == "" {
		return trial.Memory
	}
	m, ok := mutant.Named(o.mutant)
	if !ok {
		t.Fatalf("there is no mutant %q", o.mutant)
	}
	return m.Trial
}

// run runs many seeds.
func (o options) run(t *testing.T) {
	var mu sync.Mutex
	shown := 0
	s := trial.Seeds{Count: o.seeds, First: o.seed, Commit: o.commit, Of: o.of(t)}
	if of := s.Of; o.racy {
		s.Of = func(seed uint64) trial.Trial {
			tr := of(seed)
			tr.Racy = true
			return tr
		}
	}
	s.Failed = func(tr trial.Trial, r trial.Result) {
		mu.Lock()
		defer mu.Unlock()
		if shown++; shown > 3 && !o.first {
			return
		}
		if !o.first && !o.racy {
			tr = tr.Shrink(t, r)
		}
		fmt.Printf("seed %d: %s: %v\nreplay: go -C internal/verify run ./cmd/verify -replay '%v'\n",
			tr.Plan.Seed, strings.Join(r.Report.Codes(), " "), r.Report.Err(), trial.KeptOf(tr, tr.Opener))
	}
	if o.first {
		s.Workers = 1
		s.Enough = func(failed int64) bool { return failed > 0 }
	}
	tally, took := s.Run(t)
	fmt.Println(tally.Text(took))
	if why := tally.Failure(); why != "" {
		t.Error(why)
	}
}

// again replays one seed.
func (o options) again(t *testing.T) {
	k, err := trial.ParseKept(o.replay)
	if err != nil {
		t.Fatal(err)
	}
	tr := k.Trial()
	if m, ok := mutant.Named(o.mutant); ok {
		tr = m.Change(tr)
	}
	r := tr.Run(t)
	if o.show {
		fmt.Print(trial.Show(r.Ops))
	}
	if r.Failed() {
		t.Error(r.Report.Err())
	}
}

// conformance runs the public suite on memory, or on a mutant of it.
func (o options) conformance(t *testing.T) {
	m, ok := mutant.Named(o.mutant)
	if o.mutant != "" && !ok {
		t.Fatalf("there is no mutant %q", o.mutant)
	}
	profiles := mutant.Profiles
	if ok {
		profiles = []memory.Profile{m.Profile}
	}
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			streamtest.Run(t, func(t testing.TB) streamtest.Harness { return m.Harness(t, profile) })
		})
	}
}
