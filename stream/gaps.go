package stream

import (
	"fmt"
	"strings"
)

// Gaps are all the requirements that are not met, in the order of the fields of Capabilities. As an error they are an
// ErrUnsupported.
type Gaps []struct {
	Stream string // empty if Missing was asked, which knows no stream's name
	Name   string // of the field in Requirements and Capabilities
	Want   string // in words, as are all that follow: "native", "at least 2 MiB"
	Have   string // and where it is known from: "none (declared)"; unknown is not none, and says so
	Reason string // the backend's; may be empty
	WayOut string // what helps on any backend; the backend's own is part of its Reason
}

// gap is an element of Gaps.
type gap = struct{ Stream, Name, Want, Have, Reason, WayOut string }

// Missing compares c with what is required and returns nil or Gaps, which lists everything that is missing. What is
// unknown is missing. Requirements that no stream can meet, such as a negative size, are ErrInvalid.
func (c Capabilities) Missing(r Requirements) error {
	return missingAll([]streamCapabilities{{capabilities: c}}, r)
}

// missingAll returns the gaps of all streams as one error.
func missingAll(have []streamCapabilities, r Requirements) error {
	if err := r.check(); err != nil {
		return err
	}
	wants := r.wants()
	var gaps Gaps
	for _, h := range have {
		for _, f := range h.capabilities.facts() {
			w, wanted := wants[f.name]
			if !wanted || f.known && f.assured >= w.amount {
				continue
			}
			gaps = append(gaps, gap{
				Stream: h.stream, Name: f.name, Want: w.text, Have: f.have(), Reason: f.reason, WayOut: f.wayOut(w.amount),
			})
		}
	}
	if mutated("requirements miss a gap") {
		gaps = gaps[min(1, len(gaps)):]
	}
	if len(gaps) == 0 {
		return nil
	}
	return gaps
}

// Error gives one line for each gap, after a line with their number if there are several.
func (g Gaps) Error() string {
	if len(g) == 1 {
		return fmt.Sprintf("%v: %s", ErrUnsupported, spellGap(g[0]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %d requirements are not met", ErrUnsupported, len(g))
	for _, gap := range g {
		fmt.Fprintf(&b, "\n\t%s", spellGap(gap))
	}
	return b.String()
}

// Is reports that g is an ErrUnsupported.
func (g Gaps) Is(target error) bool { return target == ErrUnsupported }

// spellGap gives the whole gap in one line.
func spellGap(g gap) string {
	var b strings.Builder
	if g.Stream != "" {
		b.WriteString(g.Stream + ": ")
	}
	fmt.Fprintf(&b, "%s: want %s, have %s", g.Name, g.Want, g.Have)
	if g.Reason != "" {
		b.WriteString(": " + g.Reason)
	}
	if g.WayOut != "" {
		b.WriteString("; way out: " + g.WayOut)
	}
	return b.String()
}

func (f fact) have() string {
	switch {
	case !f.known:
		return "unknown (it could not be found out, which does not mean none)"
	case f.source == "":
		return f.value
	}
	return fmt.Sprintf("%s (%s)", f.value, f.source)
}

// wayOut puts what makes the stream itself meet the requirement before what works without it.
func (f fact) wayOut(amount int64) string {
	way := waysOut[f.name]
	switch {
	case !f.known:
		return "let the backend find out, or " + way
	case f.ceiling >= amount && f.ceiling > f.assured:
		return "change the stream's configuration, or " + way
	}
	return way
}

// waysOut tells, for each field of Requirements, how a service does without.
var waysOut = map[string]string{
	"PartitionOrder":    "number the records and put them in order while handling them",
	"KeyOrder":          "choose a producer mode that keeps key order, or number records and drop late ones",
	"NilKeys":           "give every record a key, a random one to spread records",
	"BinaryKeys":        "write keys as short text, such as a hash in hexadecimal",
	"Headers":           "put the fields into the value",
	"Tombstones":        "let the value say that its key is deleted",
	"EventTime":         "put the time into the value",
	"Groups":            "give each member its own Partitions and set a Checkpointer",
	"Fencing":           "set a Checkpointer, whose epochs refuse whoever lost the partition, and do not require it here",
	"IdempotentProduce": "give each record an identifier and let the handler drop what it has seen",
	"Transactions":      "use a Checkpointer in your own database for exactly-once effects",
	"SeekTime":          "start at the oldest record and skip those before the time",
	"Compaction":        "keep the last record of each key in a table of your own",
	"PushDelivery":      "do without and allow for the delay of polling",
	"LagRecords":        "watch LagTime instead",
	"LagTime":           "watch LagRecords instead",
	"Durability":        "keep a second copy in another stream or store",

	"MaxRecordBytes":        "wrap the backend in Chunked, or keep the value elsewhere and send where it is",
	"MaxStateBytes":         "set a Checkpointer, which has its own limit, and do not require it here",
	"PartitionWriteBytes":   "spread the records over more partitions and keys, or compress values",
	"PartitionWriteRecords": "spread the records over more partitions and keys, or put several into one",
	"PartitionReadBytes":    "spread the records over more partitions, or have them pushed (PushDelivery)",
	"PartitionReadCalls":    "let fewer groups read the stream, or have records pushed (PushDelivery)",

	"Retention": "copy the records into a store that keeps them for as long as they are needed",
}
