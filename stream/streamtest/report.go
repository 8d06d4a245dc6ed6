package streamtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/streamport-go/streamport/stream"
)

// The verdicts of a Report.
const (
	Proved  = "proved"  // it was tried, and it is as the contract or the claim says
	Refuted = "refuted" // it was tried, and it is not
	Absent  = "absent"  // the rule is about a capability that is not claimed, and asking for it is refused
	Partly  = "partly"  // what could be tried is proved, and a part could not
	Untried = "untried" // it could not be tried here
	Unclear = "unknown" // the backend does not know itself what it claims
)

// A Report says what one run of the suite has found.
type Report struct {
	Backend      string             `json:"backend"` // the name of the test
	Rules        []RuleReport       `json:"rules"`
	Capabilities []CapabilityReport `json:"capabilities"`
}

// A RuleReport is the verdict about one rule of the contract.
type RuleReport struct {
	Rule     string   `json:"rule"`
	Sentence string   `json:"sentence"`
	Verdict  string   `json:"verdict"`
	Why      []string `json:"why,omitempty"` // it is not proved
}

// A CapabilityReport is the verdict about one field of stream.Capabilities, for a stream with the backend's defaults. A
// capability that is claimed is proved if it holds; one that is claimed to be missing, if asking for it is refused.
type CapabilityReport struct {
	Capability string   `json:"capability"`
	Claimed    string   `json:"claimed"` // in words: native, none, 1 MiB
	Source     string   `json:"source"`
	Reason     string   `json:"reason"`
	Verdict    string   `json:"verdict"`
	By         []string `json:"by"`            // the rules that tried it
	Why        []string `json:"why,omitempty"` // it is not proved
}

// newReport sums verdicts up.
func newReport(backend string, claims stream.Capabilities, verdicts []verdict) Report {
	r := Report{Backend: backend}
	sources := sourcesOf(claims)
	for name, value := range claims.All() {
		c := CapabilityReport{Capability: name, Claimed: value,
			Source: sources[name][0], Reason: sources[name][1], Verdict: Untried}
		if value == stream.Unknown.String() {
			c.Verdict = Unclear
		}
		r.Capabilities = append(r.Capabilities, c)
	}
	for _, v := range verdicts {
		why := slices.Concat(v.failures, v.reasons, v.absent)
		r.Rules = append(r.Rules, RuleReport{v.rule.name, v.rule.sentence, v.word(), why})
		for i := range r.Capabilities {
			if slices.Contains(v.rule.concerns, r.Capabilities[i].Capability) {
				r.Capabilities[i].add(v, why)
			}
		}
	}
	for i := range r.Capabilities {
		if c := &r.Capabilities[i]; len(c.By) == 0 {
			c.Why = append(c.Why, "no rule of this run concerns it")
		}
	}
	return r
}

// word is the verdict in one word.
func (v verdict) word() string {
	switch {
	case len(v.failures) > 0:
		return Refuted
	case v.untried:
		return Untried
	case len(v.reasons) > 0:
		return Partly
	case len(v.absent) > 0:
		return Absent
	}
	return Proved
}

// add lets the worst verdict stand.
func (c *CapabilityReport) add(v verdict, why []string) {
	first := len(c.By) == 0
	c.By = append(c.By, v.rule.name)
	if v.word() != Absent {
		for _, reason := range why {
			if !slices.Contains(c.Why, reason) {
				c.Why = append(c.Why, reason)
			}
		}
	}
	word := v.word()
	if word == Absent { // the claim that it is missing holds
		word = Proved
	}
	worst := []string{Refuted, Unclear, Partly, Untried, Proved}
	switch {
	case first && c.Verdict != Unclear:
		c.Verdict = word
	case word == Untried && c.Verdict == Proved, word == Proved && c.Verdict == Untried:
		c.Verdict = Partly
	case slices.Index(worst, word) < slices.Index(worst, c.Verdict):
		c.Verdict = word
	}
}

// sourcesOf gives the source and the reason of each field.
func sourcesOf(c stream.Capabilities) map[string][2]string {
	sources := map[string][2]string{}
	for name := range c.All() {
		switch f := fieldOf(c, name).(type) {
		case stream.Flag:
			sources[name] = [2]string{f.Source, f.Reason}
		case stream.Limit:
			sources[name] = [2]string{f.Source, f.Reason}
		case stream.Retention:
			sources[name] = [2]string{f.Source, f.Reason}
		}
	}
	return sources
}

// String gives a table for people: the capabilities, and the rules that are not proved.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Backend)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0) // writing to a strings.Builder cannot fail
	fmt.Fprintln(w, "CAPABILITY\tCLAIMED\tSOURCE\tVERDICT\tWHY NOT PROVED")
	for _, c := range r.Capabilities {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Capability, c.Claimed, c.Source, c.Verdict, firstLine(c.Why))
	}
	w.Flush()
	proved, absent := 0, 0
	for _, rule := range r.Rules {
		if rule.Verdict == Proved {
			proved++
		}
		if rule.Verdict == Absent {
			absent++
		}
		if rule.Verdict == Proved || rule.Verdict == Absent {
			continue
		}
		fmt.Fprintf(&b, "%s %s: %s\n", rule.Rule, rule.Verdict, firstLine(rule.Why))
	}
	fmt.Fprintf(&b, "%d of %d rules proved, %d about what is not claimed and refused", proved, len(r.Rules), absent)
	return b.String()
}

// firstLine keeps a table a table.
func firstLine(texts []string) string {
	line, _, _ := strings.Cut(strings.Join(texts, "; "), "\n")
	return line
}

// write writes the report to a file, if one is named.
func (r Report) write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// claimed asks the backend for the capabilities of a stream with its defaults.
func claimed(t *testing.T, open func(testing.TB) Harness, bubble bool) (c stream.Capabilities) {
	t.Helper()
	ask := rule{name: "Capabilities", sentence: "Capabilities tell what a stream can do."}
	ask.run = func(t *T) { c = t.capabilities(t.stream(0)) }
	v := try(t, open, bubble, ask)
	if len(v.failures) > 0 {
		t.Error(v.text())
	}
	return c
}
