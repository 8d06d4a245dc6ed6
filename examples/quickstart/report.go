package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/streamport-go/streamport/stream"
)

// A report is what the program prints.
type report struct {
	counts       tally
	account      account
	holds        []hold
	capabilities stream.Capabilities
}

// String returns four tables. They name no time but those of the events.
func (r report) String() string {
	var b strings.Builder
	r.writeCounts(&b)
	b.WriteString("\n")
	r.writeAccount(&b)
	b.WriteString("\n")
	r.writeHolds(&b)
	fmt.Fprintf(&b, "\n%v\n", r.capabilities)
	return b.String()
}

// writeCounts lists the networks, the busiest first, and all together.
func (r report) writeCounts(w io.Writer) {
	networks := make([]string, 0, len(r.counts))
	for network := range r.counts {
		networks = append(networks, network)
	}
	slices.SortFunc(networks, func(a, b string) int {
		if more := r.counts[b].Count - r.counts[a].Count; more != 0 {
			return more
		}
		return strings.Compare(a, b)
	})
	lines := []string{"NETWORK\tEVENTS\tLARGEST\tLAST"}
	line := func(network string, t total) {
		last := time.UnixMilli(t.Last).UTC().Format(time.RFC3339)
		lines = append(lines, fmt.Sprintf("%s\t%d\t%.2f\t%s", network, t.Count, t.Largest, last))
	}
	for _, network := range networks {
		line(network, r.counts[network])
	}
	line("all", r.counts.all())
	writeTable(w, lines)
}

func (r report) writeAccount(w io.Writer) {
	a := r.account
	writeTable(w, []string{
		fmt.Sprintf("produced\t%d\tevents stored", a.produced),
		fmt.Sprintf("handled\t%d\tevents handled at least once", a.handled),
		fmt.Sprintf("redelivered\t%d\trecords handled again after the crash", a.redelivered),
		fmt.Sprintf("lost\t%d\tevents stored and never handled", a.lost),
		fmt.Sprintf("out of order\t%d\trecords handled after a later one of their network", a.disorder),
	})
}

// writeHolds lists who held which partition. AFTER is the position that was checkpointed before the hold, UP TO the
// one at its end.
func (r report) writeHolds(w io.Writer) {
	lines := []string{"PARTITION\tMEMBER\tRECORDS\tEND\tAFTER\tUP TO"}
	for _, h := range r.holds {
		end := strings.TrimPrefix(h.end, "partition ")
		from, to := place(h.from), place(h.to)
		lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%s\t%s\t%s", h.partition, h.member, h.records, end, from, to))
	}
	writeTable(w, lines)
}

// place is a position for people.
func place(p stream.Position) string {
	if p.IsZero() {
		return "the beginning"
	}
	return p.String()
}

// writeTable aligns lines of cells that end with tabs.
func writeTable(w io.Writer, lines []string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) // writing to a strings.Builder cannot fail
	for _, line := range lines {
		fmt.Fprintln(table, line)
	}
	table.Flush()
}
