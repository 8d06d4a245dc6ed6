package trial

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/internal/verify/check"
	"github.com/streamport-go/streamport/internal/verify/fault"
)

// A Tally is what many trials met together.
type Tally struct {
	Seeds    int
	Repeated int  // of the seeds, how many ran twice
	Diverged int  // of those, how many gave another history
	Trims    bool // records could expire before they were read
	check.Stats
	Faults map[string]int // by kind
	Codes  map[string]int // anomalies: how many seeds had each
}

// NewTally is an empty one.
func NewTally() *Tally { return &Tally{Faults: map[string]int{}, Codes: map[string]int{}} }

// Add counts a trial.
func (t *Tally) Add(tr Trial, r Result) {
	t.Seeds++
	t.Trims = t.Trims || slices.ContainsFunc(tr.Opener.Choices(), func(c fault.Choice) bool { return c.Kind == fault.Trim })
	t.Stats = sumStats(t.Stats, r.Report.Stats)
	for _, step := range tr.Plan.Script {
		t.Faults[string(step.Kind)]++
	}
	for _, code := range r.Report.Codes() {
		t.Codes[code]++
	}
}

// Join adds another tally.
func (t *Tally) Join(other *Tally) {
	t.Seeds += other.Seeds
	t.Trims = t.Trims || other.Trims
	t.Repeated += other.Repeated
	t.Diverged += other.Diverged
	t.Stats = sumStats(t.Stats, other.Stats)
	for kind, n := range other.Faults {
		t.Faults[kind] += n
	}
	for code, n := range other.Codes {
		t.Codes[code] += n
	}
}

func sumStats(a, b check.Stats) check.Stats {
	return check.Stats{
		Ops: a.Ops + b.Ops, Produced: a.Produced + b.Produced, Delivered: a.Delivered + b.Delivered,
		Redelivered: a.Redelivered + b.Redelivered, Takeovers: a.Takeovers + b.Takeovers, Reshards: a.Reshards + b.Reshards,
		Gaps: a.Gaps + b.Gaps, Checkpoints: a.Checkpoints + b.Checkpoints, Fenced: a.Fenced + b.Fenced,
		Transactions: a.Transactions + b.Transactions,
	}
}

// What the trials of a run must meet together: a run that met less proves nothing.
const (
	leastOps       = 10_000
	leastTakeovers = 5
	leastReshards  = 3
	leastGaps      = 1
)

// gaps is how many losses to retention the trials must meet: none where the environment has no such fault.
func (t *Tally) gaps() int {
	if !t.Trims {
		return 0
	}
	return leastGaps
}

// Failure says why the trials together prove nothing, or that something is wrong; "" if all is well.
func (t *Tally) Failure() string {
	var why []string
	for _, least := range []struct {
		what      string
		met, want int
	}{
		{"operations", t.Ops, leastOps}, {"takeovers", t.Takeovers, leastTakeovers}, {"reshards", t.Reshards, leastReshards},
		{"gaps", t.Gaps, t.gaps()},
	} {
		if least.met < least.want {
			why = append(why, fmt.Sprintf("met too little: %d %s, at least %d are needed", least.met, least.what, least.want))
		}
	}
	if t.Diverged > 0 {
		why = append(why, fmt.Sprintf("%d of %d seeds gave another history when they ran again", t.Diverged, t.Repeated))
	}
	if len(t.Codes) > 0 {
		why = append(why, "anomalies: "+counts(t.Codes))
	}
	return strings.Join(why, "; ")
}

// Text is the tally in a few lines.
func (t *Tally) Text(took time.Duration) string {
	return fmt.Sprintf("%d seeds in %v, %.0f a second, %d of them twice (%d differed)\n"+
		"%d operations, %d records produced, %d delivered, %d checkpoints (%d refused), %d transactions\n"+
		"%d takeovers, %d redeliveries, %d reshards, %d gaps\nfaults: %s",
		t.Seeds, took.Round(time.Millisecond), float64(t.Seeds)/took.Seconds(), t.Repeated, t.Diverged,
		t.Ops, t.Produced, t.Delivered, t.Checkpoints, t.Fenced, t.Transactions,
		t.Takeovers, t.Redelivered, t.Reshards, t.Gaps, counts(t.Faults))
}

// counts lists the greatest first.
func counts(m map[string]int) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(m[b]-m[a], strings.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, m[name])
	}
	return strings.Join(names, ", ")
}
