package httpfault

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Kind is what a rule does to a call.
type Kind string

// What may become of a call. Those that join may meet on one call; of the others the first in force applies.
const (
	Reset       Kind = "reset"        // breaks the connection by RST; nothing is done
	Refuse      Kind = "refuse"       // answers Code with Status; nothing is done
	RefuseAfter Kind = "refuse after" // is done, and answers Code with Status
	Lose        Kind = "lose"         // is done, and breaks the connection by RST instead of answering
	Late        Kind = "late"         // breaks the connection by RST, and is done Delay later
	Cut         Kind = "cut"          // is done, and breaks the connection after Bytes bytes of the answer's body
	Delay       Kind = "delay"        // is done after Delay; joins
	DelayAnswer Kind = "delay answer" // is done at once and answered after Delay; joins
	Hold        Kind = "hold"         // waits until the fault is removed, then is done; joins
	FailEntries Kind = "fail entries" // PutRecords stores all but some entries, which fail with Code; joins
)

var kinds = [...]Kind{Reset, Refuse, RefuseAfter, Lose, Late, Cut, Delay, DelayAnswer, Hold, FailEntries}

// Codes of errors that tests often mean.
const (
	Throughput = "ProvisionedThroughputExceededException" // the default of FailEntries
	Internal   = "InternalFailure"                        // the default of Refuse and RefuseAfter
)

// Rule says what is done to which calls. The zero values of what selects select all.
type Rule struct {
	Kind Kind
	// Ops are names of operations, such as PutRecords.
	Ops []string
	// Holding is text that the body of the request has as it is sent, such as a shard's id.
	Holding string
	// Match tells from the body of the request whether the rule means it; nil: it does. It must be quick, and call nothing of
	// the proxy.
	Match func(body []byte) bool
	// Skip is how many calls are let through first.
	Skip int
	// Times is how often the rule fires after that; 0 is without limit.
	Times int
	// Chance makes the rule fire with this probability, by the proxy's seed; 0 is always. Calls on which it does not fire
	// count for nothing.
	Chance float64

	// Code is the service's name of the error; default Internal, for FailEntries Throughput.
	Code string
	// Status is of HTTP; default 500 for a Code that is InternalFailure or InternalServerError, else 400.
	Status int
	// Delay is for the kinds Delay, DelayAnswer and Late.
	Delay time.Duration
	// Bytes is for Cut.
	Bytes int
	// Entries are those that fail, counted from 0 in each request; for FailEntries.
	Entries []int
	// Share makes each entry fail with this probability besides, by the proxy's seed; for FailEntries.
	Share float64
}

// checked returns r in full, or panics: a rule that means nothing is the programmer's mistake.
func (r Rule) checked() Rule {
	wrong := ""
	switch {
	case !slices.Contains(kinds[:], r.Kind):
		wrong = "no such kind"
	case r.Skip < 0 || r.Times < 0 || r.Delay < 0 || r.Bytes < 0 || r.Status < 0:
		wrong = "negative number"
	case r.Chance < 0 || r.Chance > 1 || r.Share < 0 || r.Share > 1:
		wrong = "no probability"
	case (r.Kind == Delay || r.Kind == DelayAnswer) && r.Delay == 0:
		wrong = "needs a delay"
	case r.Kind == FailEntries && len(r.Entries) == 0 && r.Share == 0:
		wrong = "needs entries"
	}
	if wrong != "" {
		panic(fmt.Sprintf("httpfault: rule %q: %s", r.Kind, wrong))
	}
	if r.Code == "" {
		r.Code = Internal
		if r.Kind == FailEntries {
			r.Code = Throughput
		}
	}
	if r.Status == 0 {
		r.Status = http.StatusBadRequest
		if r.Code == Internal || r.Code == "InternalServerError" {
			r.Status = http.StatusInternalServerError
		}
	}
	r.Ops, r.Entries = slices.Clone(r.Ops), slices.Clone(r.Entries)
	return r
}

// joins is whether the rule may meet others on one call.
func (r Rule) joins() bool {
	return r.Kind == Delay || r.Kind == DelayAnswer || r.Kind == Hold || r.Kind == FailEntries
}
