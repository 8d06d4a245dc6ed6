package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
)

// A study is one question that a run answers.
type study struct {
	name string // for -only
	run  func(ctx context.Context, l *lab) error
}

// A lab is what a study works with: the options, and the report that it adds to.
type lab struct {
	Options
	report   *Report
	progress func(string)
}

func (l *lab) table(t *Table)  { l.report.Tables = append(l.report.Tables, t) }
func (l *lab) metric(m Metric) { l.report.Metrics = append(l.report.Metrics, m) }

// run makes the studies of c one after the other, and writes the tables, then the metric lines, to out.
func run(ctx context.Context, c command, o Options, out, errs io.Writer) (err error) {
	stop, err := startProfiles(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	l := &lab{Options: o, report: newReport(c.name, o), progress: progressTo(errs)}
	studies, end := c.open(o)
	defer func() { err = errors.Join(err, end()) }()
	for _, s := range studies {
		if !o.Only.MatchString(s.name) {
			continue
		}
		l.progress(s.name)
		if err := s.run(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		runtime.GC()
	}
	l.progress("")
	if err := l.report.write(out); err != nil {
		return err
	}
	if o.JSON == "" {
		return nil
	}
	return l.report.writeJSON(o.JSON)
}

// progressTo says on a terminal what is going on, in one line that is written over; elsewhere it is silent.
func progressTo(w io.Writer) func(string) {
	file, ok := w.(*os.File)
	if !ok {
		return func(string) {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(string) {}
	}
	return func(text string) { fmt.Fprintf(file, "\r\x1b[K%s", text) }
}

// startProfiles starts the profiles that are asked for; stop writes them.
func startProfiles(o Options) (stop func() error, err error) {
	var cpu *os.File
	if o.CPUProfile != "" {
		if cpu, err = os.Create(o.CPUProfile); err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return nil, errors.Join(err, cpu.Close())
		}
	}
	return func() error {
		var errs []error
		if cpu != nil {
			pprof.StopCPUProfile()
			errs = append(errs, cpu.Close())
		}
		if o.MemProfile != "" {
			errs = append(errs, writeMemProfile(o.MemProfile))
		}
		return errors.Join(errs...)
	}, nil
}

func writeMemProfile(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
