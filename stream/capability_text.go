package stream

import (
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"unicode"
)

// String returns a table for people: a line for each capability with its name, value, source and reason. It is not meant
// to be read by programs; the JSON form is.
func (c Capabilities) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0) // writing to a strings.Builder cannot fail
	fmt.Fprintln(w, "CAPABILITY\tVALUE\tSOURCE\tREASON")
	for _, f := range c.facts() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.name, f.value, f.source, f.reason)
	}
	w.Flush()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// All ranges over the names and the values in words, in the order of the fields: "KeyOrder", "native";
// "MaxRecordBytes", "1 MiB, hard"; "Retention", "unknown".
func (c Capabilities) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, f := range c.facts() {
			if !yield(f.name, f.value) {
				return
			}
		}
	}
}

// oneLine keeps a backend's words from breaking a table or driving a terminal.
func oneLine(s string) string {
	printable := func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}
	return strings.Join(strings.Fields(strings.Map(printable, s)), " ")
}
