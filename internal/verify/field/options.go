package field

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// Options are what a command line says about a run on real brokers.
type Options struct {
	minutes                  float64
	exactly, java            bool
	version, sharing, policy string
	inputs, kills            int
	log                      string
}

// Flags adds the options to a command line.
func (o *Options) Flags(f *flag.FlagSet) {
	f.Float64Var(&o.minutes, "minutes", 1, "kafka: for how long things go wrong")
	f.BoolVar(&o.exactly, "exactly", false, "kafka: check exactly-once processing instead of a history")
	f.BoolVar(&o.java, "java", false, "kafka -exactly: let Java's client read the outputs as well")
	f.StringVar(&o.version, "version", testenv.DefaultVersion, "kafka: the brokers'")
	f.StringVar(&o.sharing, "sharing", string(kafka.Cooperative), "kafka: how members share partitions: cooperative, eager or server")
	f.StringVar(&o.policy, "policy", string(workload.PerBatch), "kafka: how members handle records: record, batch, done, each, bykey, transact …")
	f.IntVar(&o.inputs, "inputs", 50_000, "kafka -exactly: how many inputs")
	f.IntVar(&o.kills, "kills", 10, "kafka -exactly: how many processes are killed at least")
	f.StringVar(&o.log, "log", "", "kafka: the file for what brokers and workers say; default a temporary one")
}

// Run runs what the options ask for and prints what became of it.
func (o *Options) Run(ctx context.Context, seed uint64, stdout io.Writer) error {
	log, err := o.open()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // it is for people
	begun := time.Now()
	if o.exactly {
		v, err := Exactly{
			Version: o.version, Sharing: kafka.Assignment(o.sharing), Inputs: o.inputs, Kills: o.kills, Seed: seed, Java: o.java, Log: log,
		}.Run(ctx)
		if err == nil {
			fmt.Fprintf(stdout, "%v\n%v in all\n", v, time.Since(begun).Round(time.Second))
			err = v.Err()
		}
		return o.explain(err, log.Name())
	}
	j, err := Long{
		Version: o.version, Sharing: kafka.Assignment(o.sharing), Policy: workload.Policy(o.policy),
		For: time.Duration(o.minutes * float64(time.Minute)), Seed: seed, Log: log,
	}.Run(ctx)
	if err == nil {
		fmt.Fprintf(stdout, "%v\n%v in all\n", j, time.Since(begun).Round(time.Second))
		if err = j.Err(); err != nil {
			err = fmt.Errorf("%w\nhistories: %s", err, j.Folder)
		}
	}
	return o.explain(err, log.Name())
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
