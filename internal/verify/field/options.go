package field

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// Options are what a command line says about a run on real brokers.
type Options struct {
	Kinesis bool           // emulators of Kinesis instead of Kafka's brokers
	Client  client.Library // to Kafka's brokers

	minutes                  float64
	exactly, java            bool
	version, sharing, policy string
	inputs, kills            int
	log                      string
}

// Flags adds the options to a command line.
func (o *Options) Flags(f *flag.FlagSet) {
	f.Float64Var(&o.minutes, "minutes", 1, "kafka, kinesis: for how long things go wrong")
	f.BoolVar(&o.exactly, "exactly", false, "kafka: check exactly-once processing instead of a history")
	f.BoolVar(&o.java, "java", false, "kafka -exactly: let Java's client read the outputs as well")
	f.StringVar(&o.version, "version", testenv.DefaultVersion, "kafka: the brokers'")
	f.StringVar(&o.sharing, "sharing", string(kafka.Cooperative), "kafka: how members share partitions: cooperative, eager or server; with -client other than franz-go always eager")
	f.StringVar(&o.policy, "policy", string(workload.PerBatch), "kafka, kinesis: how members handle records: record, batch or state; kafka: done, each, bykey, transact … as well")
	f.IntVar(&o.inputs, "inputs", 50_000, "kafka -exactly: how many inputs")
	f.IntVar(&o.kills, "kills", 10, "kafka -exactly: how many processes are killed at least")
	f.StringVar(&o.log, "log", "", "kafka, kinesis: the file for what servers and workers say; default a temporary one")
}

// Run runs what the options ask for and prints what became of it. A mutant is one of the workers of -exactly.
func (o *Options) Run(ctx context.Context, seed uint64, mutant string, stdout io.Writer) error {
	if !o.Client.Transactions() && (o.exactly || workload.Policy(o.policy) == workload.Transact) {
		return fmt.Errorf("there are no transactions through %s", o.Client)
	}
	log, err := o.open()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // it is for people
	ctx, cancel := context.WithTimeoutCause(ctx, o.longest(), fmt.Errorf("the run took longer than %v", o.longest()))
	defer cancel()
	defer time.AfterFunc(o.longest()+lingers, func() { panic("field: the run does not end") }).Stop()
	begun := time.Now()
	switch {
	case o.Kinesis:
		err = o.runKinesis(ctx, seed, stdout, log)
	case o.exactly:
		err = o.runExactly(ctx, seed, mutant, stdout, log)
	default:
		err = o.runLong(ctx, seed, stdout, log)
	}
	fmt.Fprintf(stdout, "%v in all\n", time.Since(begun).Round(time.Second))
	return o.explain(errors.Join(err, context.Cause(ctx)), log.Name())
}

// A run that is told to end has so long for it before it is made to: its processes end with it, whatever they do.
const lingers = 3 * time.Minute

// longest bounds a run: brokers have to come up, things go wrong, and then all has to be processed and read.
func (o *Options) longest() time.Duration {
	wrong := time.Duration(o.minutes * float64(time.Minute))
	if o.exactly {
		wrong = time.Duration(o.kills) * slowestKill
	}
	return startIn + wrong + 2*drainIn + noHangIn + 2*time.Minute
}

// slowestKill is what a kill and what else goes wrong before it take at most.
const slowestKill = 30 * time.Second

func (o *Options) runExactly(ctx context.Context, seed uint64, mutant string, stdout, log io.Writer) error {
	v, err := Exactly{
		Version: o.version, Sharing: kafka.Assignment(o.sharing), Inputs: o.inputs, Kills: o.kills, Seed: seed, Mutant: mutant,
		Java: o.java, Log: log,
	}.Run(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, v)
	return v.Err()
}

func (o *Options) runLong(ctx context.Context, seed uint64, stdout, log io.Writer) error {
	j, err := Long{
		Version: o.version, Client: o.Client, Sharing: kafka.Assignment(o.sharing), Policy: workload.Policy(o.policy),
		For: time.Duration(o.minutes * float64(time.Minute)), Seed: seed, Log: log,
	}.Run(ctx)
	return j.tell(stdout, err)
}

func (o *Options) runKinesis(ctx context.Context, seed uint64, stdout, log io.Writer) error {
	j, err := Kinesis{
		Policy: workload.Policy(o.policy), For: time.Duration(o.minutes * float64(time.Minute)), Seed: seed, Log: log,
	}.Run(ctx)
	return j.tell(stdout, err)
}

// tell prints a judgement, unless there is none, and says what is wrong.
func (j Judgement) tell(stdout io.Writer, err error) error {
	if err == nil {
		fmt.Fprintln(stdout, j)
		err = j.Err()
	}
	if err != nil && j.Folder != "" {
		err = fmt.Errorf("%w\nhistories: %s", err, j.Folder)
	}
	return err
}

func (o *Options) open() (*os.File, error) {
	if o.log != "" {
		return os.Create(o.log)
	}
	return os.CreateTemp("", "field-*.log")
}

// explain says where there is more, and removes it if nobody needs it.
func (o *Options) explain(err error, log string) error {
	if err != nil {
		return fmt.Errorf("%w\nlog: %s", err, filepath.Clean(log))
	}
	if o.log == "" {
		return os.Remove(log)
	}
	return nil
}
