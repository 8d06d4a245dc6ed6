package stream

import (
	"fmt"
	"slices"
	"strings"
)

// Diff says in words what a service that moves from a to b loses, no longer knows, gains or finds changed: one line
// each, in this order, with b's reason, and an empty string if nothing changes. Another source or reason for the same
// value is no change. What can only be told, not required (see Requirements), is neither lost nor gained: it is changed.
func Diff(a, b Capabilities) string {
	type line struct {
		move move
		text string
	}
	var lines []line
	before := a.facts()
	for i, after := range b.facts() {
		if after.value == before[i].value {
			continue
		}
		m := moveOf(before[i], after)
		text := fmt.Sprintf("%-8s %s: %s -> %s", m, after.name, before[i].value, after.value)
		if after.source != "" {
			text += fmt.Sprintf(" (%s)", after.source)
		}
		if after.reason != "" {
			text += ": " + after.reason
		}
		lines = append(lines, line{m, text})
	}
	slices.SortStableFunc(lines, func(x, y line) int { return int(x.move) - int(y.move) })
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}
	return strings.Join(texts, "\n")
}

// A move is what happens to one field between two Capabilities. They are in the order in which Diff tells them.
type move uint8

const (
	moveLost    move = iota // less than before
	moveUnclear             // nobody knows what there will be
	moveGained              // more than before
	moveChanged             // more is not better, less in one way and more in another, or not known before
)

func (m move) String() string { return [...]string{"lost", "unclear", "gained", "changed"}[m] }

func moveOf(before, after fact) move {
	if !after.known {
		return moveUnclear
	}
	if _, required := waysOut[after.name]; !required || !before.known {
		return moveChanged
	}
	more, less := false, false
	for i, amount := range after.amounts {
		more = more || amount > before.amounts[i]
		less = less || amount < before.amounts[i]
	}
	switch {
	case less && !more:
		return moveLost
	case more && !less:
		return moveGained
	}
	return moveChanged
}
