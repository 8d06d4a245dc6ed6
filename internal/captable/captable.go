// Package captable writes capabilities of several backends side by side, as the README shows them.
package captable

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/streamport-go/streamport/stream"
)

// A Column is one backend in the table.
type Column struct {
	Name         string
	Capabilities stream.Capabilities
}

// Markdown returns a table with a row for each capability and a column for each backend, and under it the reasons, numbered
// in the order in which the table refers to them. It is the same text for the same columns.
func Markdown(columns []Column) string {
	var table, names, rule strings.Builder
	for _, c := range columns {
		names.WriteString(" " + escape(c.Name) + " |")
		rule.WriteString("---|")
	}
	fmt.Fprintf(&table, "| capability |%s\n|---|%s\n", names.String(), rule.String())

	var notes notes
	for name := range (stream.Capabilities{}).All() {
		fmt.Fprintf(&table, "| %s |", name)
		for _, c := range columns {
			fmt.Fprintf(&table, " %s%s |", escape(valueOf(c.Capabilities, name)), notes.mark(reasonOf(c.Capabilities, name)))
		}
		table.WriteString("\n")
	}
	return table.String() + notes.list()
}

// notes are the reasons that were met, each once.
type notes []string

func (n *notes) mark(reason string) string {
	if reason == "" {
		return ""
	}
	for i, known := range *n {
		if known == reason {
			return fmt.Sprintf(" [%d]", i+1)
		}
	}
	*n = append(*n, reason)
	return fmt.Sprintf(" [%d]", len(*n))
}

func (n notes) list() string {
	var b strings.Builder
	for i, reason := range n {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, escape(reason))
	}
	return b.String()
}

func valueOf(c stream.Capabilities, name string) string {
	for field, value := range c.All() {
		if field == name {
			return value
		}
	}
	return ""
}

func reasonOf(c stream.Capabilities, name string) string {
	field := reflect.ValueOf(c).FieldByName(name)
	if field.Kind() != reflect.Struct {
		return ""
	}
	return field.FieldByName("Reason").String()
}

var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`)

// escape keeps words on one line and lets none of them format.
func escape(s string) string { return markdown.Replace(strings.Join(strings.Fields(s), " ")) }

// The lines between which a document holds the table.
const (
	begin = "<!-- captable: begin -->\n"
	end   = "<!-- captable: end -->\n"
)

// Replace returns the document with the table between its two marker lines, each of which stands in it exactly once.
func Replace(document []byte, table string) ([]byte, error) {
	for _, marker := range []string{begin, end} {
		if n := bytes.Count(document, []byte(marker)); n != 1 {
			return nil, fmt.Errorf("%d lines %q, want one", n, strings.TrimSpace(marker))
		}
	}
	head, rest, _ := bytes.Cut(document, []byte(begin))
	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, fmt.Errorf("%q stands before %q", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return fmt.Appendf(nil, "%s%s\n%s\n%s%s", head, begin, table, end, tail), nil
}
