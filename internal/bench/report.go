package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
)

// A Report is all that a run found out. Its JSON form is what -json writes.
type Report struct {
	Command     string   `json:"command"`
	Go          string   `json:"go"`
	Platform    string   `json:"platform"`
	Processors  int      `json:"processors"`
	Repetitions int      `json:"repetitions"`
	Records     int      `json:"records"` // that a fast side moves in one repetition
	Smoke       bool     `json:"smoke"`
	Tables      []*Table `json:"tables"`
	Metrics     []Metric `json:"metrics"`
}

func newReport(command string, o Options) *Report {
	return &Report{
		Command: command, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.GOMAXPROCS(0), Repetitions: o.Repetitions, Records: o.Records, Smoke: o.Smoke,
	}
}

// write prints the tables, the targets, and at last one line a metric.
func (r *Report) write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", r.setting()); err != nil {
		return err
	}
	for _, t := range append(r.Tables[:len(r.Tables):len(r.Tables)], r.targets()) {
		if err := t.write(w); err != nil {
			return err
		}
	}
	for _, m := range r.Metrics {
		if _, err := fmt.Fprintln(w, m.Line()); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) setting() string {
	s := fmt.Sprintf("bench %s: %s on %s, %d processors, %d repetitions", r.Command, r.Go, r.Platform, r.Processors, r.Repetitions)
	if r.Smoke {
		s += "; a smoke run: its figures mean nothing"
	}
	return s
}

func (r *Report) targets() *Table {
	t := &Table{
		Title:   "Metrics: the median over the repetitions, the least and the most",
		Heading: []string{"metric", "value", "unit", "least", "most", "target", ""},
	}
	for _, m := range r.Metrics {
		t.add(m.Name, number(m.Value), m.Unit, number(m.Sample.Min()), number(m.Sample.Max()), m.Target.String(), m.verdict())
	}
	return t
}

func (r *Report) writeJSON(name string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
