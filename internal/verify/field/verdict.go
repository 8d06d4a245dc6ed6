package field

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Verdict is what became of an Exactly.
type Verdict struct {
	Version            string
	Sent               int
	Inputs, Outputs    int // what stands in the topics
	Misfed             int // inputs that were sent and do not stand there exactly once
	Duplicated, Lost   int // outputs that stand twice, inputs without one
	Foreign            int // outputs of no input
	Hanging            int // partitions whose last transaction was never decided
	Uncommitted        int // partitions of which the group's offset is not the end
	JavaDiffers        int // outputs that Java's client sees otherwise; -1: it did not look
	Asked              int // how many kills were asked for
	Workers, Brokers   int // of each, how many were killed while an input was there whose output came later
	Met                map[string]int
	Endings            *tally // of transactions, as workers have seen them
	Aborts             int    // marks of aborted transactions in the outputs, one in each partition that they wrote to
	Sending, Finishing time.Duration

	kills []kill
}

// Err is nil if every input has exactly one output, and enough was met to prove something.
func (v Verdict) Err() error { return errors.Join(v.wrong(), v.vain()) }

// wrong is what must never be.
func (v Verdict) wrong() error {
	var errs []error
	for _, wrong := range []struct {
		n    int
		what string
	}{
		{v.Duplicated, "outputs are doubled"}, {v.Lost, "inputs have no output"}, {v.Foreign, "outputs have no input"},
		{v.Misfed, "inputs were not stored exactly once"},
		{v.Hanging, "partitions have a transaction that hangs"}, {v.Uncommitted, "partitions' offsets are not at the end"},
		{v.JavaDiffers, "outputs are others to Java's client"},
	} {
		if wrong.n > 0 {
			errs = append(errs, fmt.Errorf("%d %s", wrong.n, wrong.what))
		}
	}
	return errors.Join(errs...)
}

// vain is what was met too little of.
func (v Verdict) vain() error {
	var errs []error
	for _, least := range []struct {
		what      string
		met, want int
	}{
		{"processes killed while inputs were on their way", v.Workers + v.Brokers, v.Asked},
		{"workers killed so", v.Workers, v.Asked / kindShare},
		{"brokers killed so", v.Brokers, v.Asked / kindShare},
		{"committed transactions", v.Endings.Of(committed), v.Inputs / workerBatch},
		{"transactions that were not committed", v.Endings.failures() + v.Aborts, v.Asked / kindShare / 2},
		{"commits whose answer was lost", v.Met[lostDecisions], v.Asked / kindShare / 2},
	} {
		if least.met < least.want {
			errs = append(errs, fmt.Errorf("met too little: %d %s, at least %d are needed", least.met, least.what, least.want))
		}
	}
	return errors.Join(errs...)
}

// String is the verdict in a few lines.
func (v Verdict) String() string {
	java := "not asked"
	if v.JavaDiffers >= 0 {
		java = fmt.Sprintf("%d differ", v.JavaDiffers)
	}
	return fmt.Sprintf("exactly-once on Apache Kafka %s: %d inputs (%d misfed), %d outputs, %d duplicated, %d lost, %d foreign, "+
		"%d hanging, %d offsets astray; Java's client: %s\n"+
		"%d processes killed while inputs were on their way: %d workers, %d brokers; met: %s\n"+
		"transactions: %v; %d marks of aborted ones\n"+
		"sent in %v, all processed %v after the last fault",
		v.Version, v.Inputs, v.Misfed, v.Outputs, v.Duplicated, v.Lost, v.Foreign, v.Hanging, v.Uncommitted, java,
		v.Workers+v.Brokers, v.Workers, v.Brokers, listed(v.Met), v.Endings, v.Aborts,
		v.Sending.Round(time.Millisecond), v.Finishing.Round(time.Millisecond))
}

// listed names what was met, and how often.
func listed(met map[string]int) string {
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(met)) {
		texts = append(texts, fmt.Sprintf("%s %d", what, met[what]))
	}
	return strings.Join(texts, "; ")
}
