//go:build mutants

package mutant_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
	"github.com/streamport-go/streamport/internal/verify/trial"
)

const (
	// searched is how many seeds are looked through, from the first, where FULL is set: it finds seeds for the list.
	searched = 300
	// runs is how often the known seeds are run at most: what the goroutines do is not the seed's alone.
	runs = 24
)

// kill runs every mutant of an adapter until the checker, or the test that is named for it, rejects it, and the same seeds
// and tests without the mutant, which must pass.
func kill(t *testing.T, adapter string, all []mutant.Adapter) {
	tests := units{folder: t.TempDir(), binaries: map[string]string{}, sound: map[string]bool{}}
	lines := []string{}
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			by := ""
			if m.Test != "" {
				by = tests.killing(t, m)
			} else {
				by = killing(t, m)
			}
			if by != "" {
				lines = append(lines, fmt.Sprintf("  %-46s %s", m.Name, by))
			}
		})
	}
	fmt.Printf("%s\n%s mutants killed %d of %d\n", strings.Join(lines, "\n"), adapter, len(lines), len(all))
}

// killing tells what the checker rejects a mutant for, or "".
func killing(t *testing.T, m mutant.Adapter) string {
	var mu sync.Mutex
	var seen []uint64
	var found string
	count, seed := runs, func(i uint64) uint64 { return m.Seeds[i%uint64(len(m.Seeds))] }
	if os.Getenv("FULL") != "" {
		count, seed = searched, func(i uint64) uint64 { return i }
	}
	t.Setenv("STREAMPORT_MUTANT", m.Name)
	trial.Seeds{
		Count: count,
		Of: func(i uint64) trial.Trial {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, seed(i))
			return m.Trial(seed(i))
		},
		Failed: func(tr trial.Trial, r trial.Result) {
			mu.Lock()
			defer mu.Unlock()
			codes := r.Report.Codes()
			if found == "" && slices.ContainsFunc(codes, func(c string) bool { return slices.Contains(m.By, c) }) {
				found = fmt.Sprintf("%s at seed %d", strings.Join(codes, " "), tr.Plan.Seed)
			}
		},
		Enough: func(int64) bool {
			mu.Lock()
			defer mu.Unlock()
			return found != ""
		},
	}.Run(t)
	if found == "" {
		t.Errorf("%s survives %d runs", m.Name, len(seen))
		return ""
	}
	t.Setenv("STREAMPORT_MUTANT", "")
	tried := len(seen)
	slices.Sort(seen)
	for _, seed := range slices.Compact(seen) {
		if r := m.Sound(seed).Run(t); r.Failed() {
			t.Errorf("seed %d fails without the mutant %s: %v", seed, m.Name, r.Report.Err())
			return ""
		}
	}
	return fmt.Sprintf("%s, after %d runs", found, tried)
}

// units are the tests of the adapter's own packages, built with the mutants.
type units struct {
	folder   string            // of the binaries
	binaries map[string]string // by package
	sound    map[string]bool   // the tests that have passed without a mutant
}

// killing tells which test rejects a mutant, or "". The same test must pass without it.
func (u units) killing(t *testing.T, m mutant.Adapter) string {
	name, _, _ := strings.Cut(m.Test, "/")
	if !u.sound[m.Test] {
		if out, err := u.run(t, m, ""); err != nil || !strings.Contains(out, "--- PASS: "+name) {
			t.Errorf("%s does not pass without the mutant %s: %v\n%s", m.Test, m.Name, err, out)
			return ""
		}
		u.sound[m.Test] = true
	}
	out, err := u.run(t, m, m.Name)
	if err == nil || !strings.Contains(out, "--- FAIL: "+name) {
		t.Errorf("%s survives %s: %v\n%s", m.Name, m.Test, err, out)
		return ""
	}
	return m.Package + "." + m.Test
}

// run runs the test that is named for a mutant in a process of its own, with a mutant or with none.
func (u units) run(t *testing.T, m mutant.Adapter, with string) (string, error) {
	const root = "../../.."
	folder := filepath.Join(m.Of, "internal", m.Package)
	if u.binaries[m.Package] == "" {
		binary := filepath.Join(u.folder, strings.ReplaceAll(m.Package, "/", "-"))
		cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "mutants", "-o", binary, "./"+filepath.ToSlash(folder))
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("the tagged build of %s: %v\n%s", folder, err, out)
		}
		u.binaries[m.Package] = binary
	}
	first, rest, _ := strings.Cut(m.Test, "/")
	pattern := "^" + first + "$"
	if rest != "" {
		pattern += "/" + rest
	}
	cmd := exec.CommandContext(t.Context(), u.binaries[m.Package], "-test.v", "-test.timeout", "30s", "-test.run", pattern)
	cmd.Dir = filepath.Join(root, folder)
	cmd.Env = append(os.Environ(), "STREAMPORT_MUTANT="+with)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
