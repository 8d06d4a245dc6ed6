package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamport-go/streamport/internal/verify/history"
)

// A Level is what was promised for the run.
type Level struct {
	AtMostOnce bool // a record may be lost once it was checkpointed unhandled, and none comes twice
	KeyOrder   bool // records of one key keep their order
	Grows      bool // partitions were added, which moves keys
	Idempotent bool // no record is stored twice
	Fencing    bool // a checkpoint of who has lost the partition is refused
	EOS        bool // every input has one output, visible with its checkpoint
	AnyOrder   bool // handlers get the records of different keys in any order, as from stream.ByKey
	Quiet      bool // nothing goes wrong: no record may come twice, and none may expire
	Window     int  // how many handled records may come again after a takeover

	DrainIn time.Duration // after the last fault; default 30 s
	QuietIn time.Duration // how long nothing may succeed while nothing is wrong; default 10 s
}

// An Anomaly is one broken promise.
type Anomaly struct {
	Code string   // as in doc.go
	Text string   // what is wrong, with partition, position and record
	Ops  []uint64 // the places in the history that show it
}

// String gives code, text and places.
func (a Anomaly) String() string { return fmt.Sprintf("%s: %s (operations %v)", a.Code, a.Text, a.Ops) }

// A Report is the verdict on a history.
type Report struct {
	Anomalies []Anomaly // in the order of the checks; at most 100 of each code
	Stats     Stats
}

// Stats say how much there was to judge: a run that met too little proves nothing.
type Stats struct {
	Ops, Produced, Delivered, Redelivered, Takeovers, Reshards, Gaps, Checkpoints, Fenced, Transactions int
}

// Codes are the different codes of the anomalies, in order.
func (r Report) Codes() []string {
	var codes []string
	for _, a := range r.Anomalies {
		codes = append(codes, a.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// Err is nil if nothing is wrong, else an error that lists the first ten anomalies.
func (r Report) Err() error {
	if len(r.Anomalies) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d anomalies", len(r.Anomalies))
	for _, a := range r.Anomalies[:min(10, len(r.Anomalies))] {
		fmt.Fprintf(&b, "\n\t%v", a)
	}
	return fmt.Errorf("%s", b.String())
}

// Check judges the operations, which must be in the order of their Seq.
func Check(ops []history.Op, level Level) Report {
	if level.DrainIn == 0 {
		level.DrainIn = 30 * time.Second
	}
	if level.QuietIn == 0 {
		level.QuietIn = 10 * time.Second
	}
	j := &judge{Level: level, index: newIndex(ops), counts: map[string]int{}}
	for _, check := range []func(){
		j.produced, j.altered, j.oneAtAPlace, j.keysInLog, j.transactions, j.cycles,
		j.sessions, j.strays, j.firstDeliveries, j.lineage, j.unseen,
		j.checkpoints, j.redeliveries, j.outputs, j.liveness, j.escapes,
	} {
		check()
	}
	return Report{Anomalies: j.anomalies, Stats: j.stats()}
}

// judge is one Check.
type judge struct {
	Level
	*index
	anomalies []Anomaly
	counts    map[string]int
}

// perCode bounds how many anomalies of one code are kept: one bug shows in many records.
const perCode = 100

func (j *judge) found(code string, ops []uint64, format string, args ...any) {
	j.counts[code]++
	if j.counts[code] <= perCode {
		j.anomalies = append(j.anomalies, Anomaly{Code: code, Text: fmt.Sprintf(format, args...), Ops: ops})
	}
}

func (j *judge) stats() Stats {
	s := Stats{Ops: len(j.ops)}
	seen := map[uint64]bool{}
	for i := range j.ops {
		op := &j.ops[i]
		switch {
		case op.F == history.Produce && op.Type == history.OK:
			s.Produced++
		case op.F == history.Deliver:
			s.Delivered++
			if seen[op.UID] {
				s.Redelivered++
			}
			seen[op.UID] = true
		case op.F == history.Reshard:
			s.Reshards++
		case op.F == history.Gap:
			s.Gaps++
		case op.F == history.Checkpoint && op.Type == history.OK:
			s.Checkpoints++
		case op.F == history.Checkpoint && op.Err == history.ClassLost:
			s.Fenced++
		case op.F == history.Commit && op.Type == history.OK:
			s.Transactions++
		}
	}
	for _, holds := range j.holdsOf {
		s.Takeovers += max(0, len(holds)-1)
	}
	return s
}
