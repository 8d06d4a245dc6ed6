package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Table is what people read: a title, one heading a column, and rows of as many cells.
type Table struct {
	Title   string     `json:"title"`
	Heading []string   `json:"heading"`
	Rows    [][]string `json:"rows"`
}

func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// write sets the first column left and the others right, as wide as their widest cell.
func (t *Table) write(w io.Writer) error {
	widths := make([]int, len(t.Heading))
	for _, row := range append([][]string{t.Heading}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.Title)
	writeRow(&b, t.Heading, widths)
	for _, row := range t.Rows {
		writeRow(&b, row, widths)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRow(b *strings.Builder, row []string, widths []int) {
	var line strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			line.WriteString("  " + cell + pad)
		} else {
			line.WriteString("  " + pad + cell)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
