package streamtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A Difference is a question to which a real backend and its double give different answers.
type Difference struct {
	Rule     string // or Options, for what Same asks beside the rules
	Question string
	Real     string // "accepted", a sentinel's text, a value; empty: it was not asked
	Double   string
	Reason   string // of an expected difference: why it must be so, and what it makes unsound
}

// Options is the name under which Same asks for every option, limit and odd record: what is the default, what is
// accepted, what is refused and how.
const Options = "Options"

// Same runs the suite on a real backend and on its double, with one subtest for each rule, and fails where their
// answers differ: what was accepted, what was refused and with which sentinel, what was delivered and delivered again,
// how positions are ordered, what a checkpoint did, and whether the rule holds. A refusal is an answer like any other,
// so that a double that succeeds where the service fails is found.
//
// Differences that must be are passed as expected, each with its reason. One that does not occur fails as well. A rule
// that could not be tried on one side is logged.
func Same(t *testing.T, openReal, openDouble func(t testing.TB) Harness, expected ...Difference) {
	t.Helper()
	left := slices.Clone(expected)
	service, double := look(t, openReal), look(t, openDouble)
	asked := append(rules(), rule{name: Options, sentence: "Both refuse and accept the same.", run: options})
	var tried atomic.Int64
	var mu sync.Mutex // guards left
	each(len(asked), service.Parallel, func(i int) {
		r := asked[i]
		t.Run(r.name, func(t *testing.T) {
			tried.Add(1)
			actual, double := try(t, openReal, service.Bubble, r), try(t, openDouble, double.Bubble, r)
			mu.Lock()
			defer mu.Unlock()
			for _, d := range differences(actual, double) {
				i := slices.IndexFunc(left, d.is)
				if i < 0 {
					t.Error(d)
					continue
				}
				if left[i].Reason == "" {
					t.Errorf("an expected difference has no reason: %v", d)
				}
				left = slices.Delete(left, i, i+1)
			}
			for side, v := range map[string]verdict{"real": actual, "double": double} {
				for _, failure := range v.failures {
					t.Logf("the %s backend breaks the rule: %s", side, failure)
				}
				for _, reason := range v.reasons {
					t.Logf("could not be tried on the %s backend: %s", side, reason)
				}
			}
		})
	})
	if int(tried.Load()) < len(asked) {
		return // -run has left some out
	}
	for _, d := range left {
		t.Errorf("an expected difference does not occur: %v", d)
	}
}

// is reports whether an expected difference is this one.
func (d Difference) is(expected Difference) bool {
	expected.Reason = d.Reason
	return d == expected
}

// String says who answers what, and whether the double can flatter.
func (d Difference) String() string {
	s := fmt.Sprintf("%s: %s: the real backend answers %q, the double %q", d.Rule, d.Question, d.Real, d.Double)
	if d.Double == classOf(nil) {
		s += "; the double succeeds where the service fails"
	}
	return s
}

// differences compares the answers to the questions of one rule.
func differences(actual, double verdict) []Difference {
	a, b := actual.spoken(), double.spoken()
	if actual.untried || double.untried {
		delete(a, standing)
		delete(b, standing)
	}
	var list []Difference
	for question, answer := range a {
		if b[question] != answer {
			list = append(list, Difference{Rule: actual.rule.name, Question: question, Real: answer, Double: b[question]})
		}
	}
	for question, answer := range b {
		if _, both := a[question]; !both {
			list = append(list, Difference{Rule: actual.rule.name, Question: question, Double: answer})
		}
	}
	slices.SortFunc(list, func(x, y Difference) int { return strings.Compare(x.Question, y.Question) })
	return list
}

// standing is the question whether the rule holds.
const standing = "does the rule hold?"

// spoken are the answers by question; several to one question stand in their order.
func (v verdict) spoken() map[string]string {
	spoken := map[string]string{}
	for _, a := range v.answers {
		if before, again := spoken[a.Question]; again && before != a.Answer {
			a.Answer = before + ", then " + a.Answer
		}
		spoken[a.Question] = a.Answer
	}
	switch {
	case len(v.failures) > 0:
		spoken[standing] = "no"
	case len(v.absent) > 0:
		spoken[standing] = "not claimed"
	default:
		spoken[standing] = "yes"
	}
	return spoken
}
