package fault

import (
	"math/rand/v2"
	"slices"
	"time"
)

// A Choice is one kind of fault that an environment can do.
type Choice struct {
	Kind    Kind
	Targets []string // one of them is drawn; empty: none is needed
	Most    int      // the greatest Arg
	Steps   int      // how many of it at most; default 3
}

// Draw makes a script out of the choices. First it draws which are on at all, since all of them at once hide what needs a
// quiet neighbour; one script in ten is empty.
func Draw(r *rand.Rand, choices []Choice, span time.Duration) Script {
	if r.IntN(10) == 0 {
		return nil
	}
	share := 1 + r.IntN(4) // of 8
	var s Script
	for _, c := range choices {
		if r.IntN(8) >= share {
			continue
		}
		steps := c.Steps
		if steps == 0 {
			steps = 3
		}
		for range 1 + r.IntN(steps) {
			s = append(s, c.draw(r, span))
		}
	}
	slices.SortStableFunc(s, func(a, b Step) int { return int(a.At - b.At) })
	return s
}

func (c Choice) draw(r *rand.Rand, span time.Duration) Step {
	step := Step{At: time.Duration(r.Int64N(int64(span))).Truncate(time.Microsecond), Kind: c.Kind}
	if len(c.Targets) > 0 {
		step.Target = c.Targets[r.IntN(len(c.Targets))]
	}
	if c.Most > 0 {
		step.Arg = r.IntN(c.Most + 1)
	}
	if c.Kind == Rate {
		step.At = 0
	}
	return step
}
