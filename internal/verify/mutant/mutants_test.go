package mutant_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamport-go/streamport/internal/verify/mutant"
)

// mostSeeds is how many seeds a mutant may need to be found out.
const mostSeeds = 2000

// patience is how long one run of a mutant may take. Some mutants hang now and then, before anything is found: a run that
// does proves nothing, and is made again.
const (
	patience = 40 * time.Second
	tries    = 3
)

// TestMutants runs every mutant, each in a process of its own, until the checker or the suite rejects it for the reason that
// it names.
func TestMutants(t *testing.T) {
	binary := build(t)
	all := mutant.All()
	lines := make([]string, len(all))
	killed := make([]bool, len(all))
	t.Run("each", func(t *testing.T) {
		slots := make(chan struct{}, 2)
		var wg sync.WaitGroup
		for i, m := range all {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				lines[i], killed[i] = run(t, binary, m)
			})
		}
		wg.Wait()
	})
	n := 0
	for i := range all {
		if killed[i] {
			n++
		}
		t.Log(lines[i])
	}
	if n < len(all) {
		t.Errorf("%d mutants survived", len(all)-n)
	}
	fmt.Printf("mutants killed %d of %d\n", n, len(all))
}

// build compiles the program with the mutants of package stream in it.
func build(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "verify")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "mutants", "-o", binary, "../cmd/verify").CombinedOutput()
	if err != nil {
		t.Fatalf("the tagged build: %v\n%s", err, out)
	}
	return binary
}

// run gives a line of the kill table.
func run(t *testing.T, binary string, m mutant.Mutant) (line string, killed bool) {
	args := []string{"-mutant", m.Name, "-first", "-seeds", fmt.Sprint(mostSeeds)}
	if m.Suite {
		args = []string{"-mutant", m.Name, "-conformance"}
	} else if m.Seed != 0 {
		args = append(args, "-seed", fmt.Sprint(m.Seed))
	}
	out, err := attempt(t, binary, m, args)
	for try := 1; try < tries && errors.Is(err, context.DeadlineExceeded); try++ {
		out, err = attempt(t, binary, m, args)
	}
	found := reasons(string(out), m.Suite)
	killed = err != nil && slices.Contains(found, m.By)
	verdict := "killed by"
	if !killed {
		verdict = "SURVIVES; found were"
	}
	return fmt.Sprintf("%-62s %s %s (want %s) %s", m.Name, verdict, strings.Join(found, " "), m.By, seeds(string(out))), killed
}

func attempt(t *testing.T, binary string, m mutant.Mutant, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "STREAMPORT_MUTANT="+m.Name, "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	return out, err
}

var (
	anomaly = regexp.MustCompile(`(?m)^seed \d+: ([A-Z0-9 ]+): `)
	rule    = regexp.MustCompile(`(?m)^ *--- FAIL: verify/[a-z]+/(\S+) `)
	counted = regexp.MustCompile(`(?m)^(\d+) seeds in `)
	seed    = regexp.MustCompile(`(?m)^seed (\d+): `)
)

// reasons are the anomalies, or the rules, that rejected a mutant.
func reasons(out string, suite bool) []string {
	pattern := anomaly
	if suite {
		pattern = rule
	}
	var all []string
	for _, match := range pattern.FindAllStringSubmatch(out, -1) {
		all = append(all, strings.Fields(match[1])...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func seeds(out string) string {
	match, first := counted.FindStringSubmatch(out), seed.FindStringSubmatch(out)
	if match == nil {
		return ""
	}
	return fmt.Sprintf("after %s seeds, at seed %s", match[1], cmp.Or(strings.Join(first[min(len(first), 1):], ""), "none"))
}
