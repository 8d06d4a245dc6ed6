// Package fault is what goes wrong in a run: scripts of steps that are drawn from a seed, written in one line, and made
// smaller when they make a run fail.
package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Kind is a way in which things go wrong, or merely change.
type Kind string

// The kinds. Arg picks the member or partition concerned, by its place among those that there are, unless the comment says
// otherwise.
const (
	Crash       Kind = "crash"       // a member dies without leaving
	Pause       Kind = "pause"       // a member stands still for Target, a duration
	Expel       Kind = "expel"       // the group throws a member out
	Rebalance   Kind = "rebalance"   // the group shares its partitions out anew
	Join        Kind = "join"        // a member comes
	Leave       Kind = "leave"       // a member goes in order
	Split       Kind = "split"       // a partition becomes two
	Merge       Kind = "merge"       // a partition and its neighbour become one
	Grow        Kind = "grow"        // a partition is added
	Trim        Kind = "trim"        // records of a partition go: Target is "half" of those that are known, or "all"
	Refuse      Kind = "refuse"      // the Arg-th call of Target, an operation, from now on fails and is not carried out
	Lose        Kind = "lose"        // it is carried out, and its answer is lost
	Late        Kind = "late"        // it is carried out, and its answer is late
	Cut         Kind = "cut"         // the connection of the Arg-th request of Target from now on ends before it is sent
	Move        Kind = "move"        // every partition gets another leader
	Coordinator Kind = "coordinator" // groups and transactions get other coordinators
	Abort       Kind = "abort"       // another producer's transaction is open for Target, a duration, and is then aborted
	Rate        Kind = "rate"        // calls meet the fault Target by chance: Arg of 1,000
)

// Operations of a Checkpointer, as the Target of Refuse and Lose; all others are the environment's own.
const (
	CheckpointerAcquire = "checkpointer.acquire"
	CheckpointerSave    = "checkpointer.save"
)

// A Step is one thing that goes wrong.
type Step struct {
	At     time.Duration // since the run began
	Kind   Kind
	Target string
	Arg    int
}

// A Script is everything that goes wrong in a run, in the order of its times.
type Script []Step

// String is the script in one word: what Parse reads.
func (s Script) String() string {
	if len(s) == 0 {
		return "none"
	}
	words := make([]string, len(s))
	for i, step := range s {
		words[i] = fmt.Sprintf("%s@%d:%s:%d", step.Kind, step.At.Microseconds(), step.Target, step.Arg)
	}
	return strings.Join(words, ",")
}

// Parse reads what String wrote.
func Parse(text string) (Script, error) {
	if text == "none" {
		return nil, nil
	}
	var s Script
	for word := range strings.SplitSeq(text, ",") {
		kind, rest, ok := strings.Cut(word, "@")
		parts := strings.Split(rest, ":")
		if !ok || len(parts) != 3 {
			return nil, fmt.Errorf("%q is no step of a fault script: want kind@microseconds:target:number", word)
		}
		at, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the time of step %q: %w", word, err)
		}
		arg, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, fmt.Errorf("the number of step %q: %w", word, err)
		}
		s = append(s, Step{At: time.Duration(at) * time.Microsecond, Kind: Kind(kind), Target: parts[1], Arg: arg})
	}
	return s, nil
}

// Has reports whether a step is of one of the kinds.
func (s Script) Has(kinds ...Kind) bool {
	return slices.ContainsFunc(s, func(step Step) bool { return slices.Contains(kinds, step.Kind) })
}
