//go:build mutants && synctests

package mutant_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/streamport-go/streamport/internal/verify/mutant"
	"github.com/streamport-go/streamport/internal/verify/trial"
)

// mostBrokerSeeds is how many seeds a mutant of the Kafka adapter may need to be found out.
const mostBrokerSeeds = 300

// TestKafkaMutants runs every mutant of the Kafka adapter until the checker rejects it for one of the reasons that it
// names, and the same seeds without the mutant, which must pass.
func TestKafkaMutants(t *testing.T) {
	all := mutant.Adapters()
	killed := 0
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			if killing(t, m) {
				killed++
			}
		})
	}
	fmt.Printf("mutants killed %d of %d\n", killed, len(all))
}

func killing(t *testing.T, m mutant.Adapter) bool {
	var mu sync.Mutex
	var seen []uint64
	var found string
	t.Setenv("STREAMPORT_MUTANT", m.Name)
	trial.Seeds{
		Count: mostBrokerSeeds,
		Of: func(seed uint64) trial.Trial {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, seed)
			return m.Trial(seed)
		},
		Failed: func(tr trial.Trial, r trial.Result) {
			mu.Lock()
			defer mu.Unlock()
			codes := r.Report.Codes()
			if found == "" && slices.ContainsFunc(codes, func(c string) bool { return slices.Contains(m.By, c) }) {
				found = fmt.Sprintf("killed by %s at seed %d", strings.Join(codes, " "), tr.Plan.Seed)
			}
		},
		Enough: func(int64) bool {
			mu.Lock()
			defer mu.Unlock()
			return found != ""
		},
	}.Run(t)
	if found == "" {
		t.Errorf("%s survives %d seeds", m.Name, len(seen))
		return false
	}
	t.Logf("%s: %s, after %d", m.Name, found, len(seen))
	t.Setenv("STREAMPORT_MUTANT", "")
	for _, seed := range seen {
		if r := m.Sound(seed).Run(t); r.Failed() {
			t.Errorf("seed %d fails without the mutant %s: %v", seed, m.Name, r.Report.Err())
		}
	}
	return true
}
