package main

import (
	"fmt"
	"strconv"
)

// A Metric is one figure that a run reports.
type Metric struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"` // the median of Sample
	Unit   string  `json:"unit"`
	Sample Sample  `json:"sample"`           // by repetition
	Target *Target `json:"target,omitempty"` // nil: reported for comparison only
	Met    *bool   `json:"met,omitempty"`    // nil: without a target
}

// A Target is a bound that a metric should keep.
type Target struct {
	Bound   float64 `json:"bound"`
	AtLeast bool    `json:"at_least"` // the value should be Bound or more; otherwise Bound or less
}

func atMost(bound float64) *Target  { return &Target{Bound: bound} }
func atLeast(bound float64) *Target { return &Target{Bound: bound, AtLeast: true} }

// newMetric takes the median of the sample. Target may be nil.
func newMetric(name, unit string, sample Sample, target *Target) Metric {
	m := Metric{Name: name, Value: sample.Median(), Unit: unit, Sample: sample, Target: target}
	if target != nil {
		met := target.keeps(m.Value)
		m.Met = &met
	}
	return m
}

func (t *Target) keeps(value float64) bool {
	if t.AtLeast {
		return value >= t.Bound
	}
	return value <= t.Bound
}

// String writes the target as people do: "≤ 0.4"; "-" for none.
func (t *Target) String() string {
	switch {
	case t == nil:
		return "-"
	case t.AtLeast:
		return "≥ " + number(t.Bound)
	default:
		return "≤ " + number(t.Bound)
	}
}

// Line is the line for machines: the word metric, then name, value and unit, between single spaces.
func (m Metric) Line() string {
	return fmt.Sprintf("metric %s %s %s", m.Name, number(m.Value), m.Unit)
}

// verdict says in a word whether the target is kept.
func (m Metric) verdict() string {
	switch {
	case m.Met == nil:
		return "-"
	case *m.Met:
		return "met"
	default:
		return "MISSED"
	}
}

// number writes a value with four significant digits, and never with an exponent for values of this program's size.
func number(v float64) string {
	if v >= 1_000 || v <= -1_000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return strconv.FormatFloat(short, 'f', -1, 64)
}
