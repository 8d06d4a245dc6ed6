package trial

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/memory"
)

// A Kept is a seed that failed once: it is replayed for ever. The seed alone makes the plan; the script replaces the plan's.
type Kept struct {
	Seed    uint64
	Profile memory.Profile
	Script  fault.Script
}

// profiles are those of a seed, by its rest.
var profiles = [...]memory.Profile{memory.Strict, memory.Kafka, memory.Kinesis}

// ProfileOf is the memory profile on which a seed runs.
func ProfileOf(seed uint64) memory.Profile { return profiles[seed%uint64(len(profiles))] }

// Memory is the trial of a seed on package memory.
func Memory(seed uint64) Trial { return New(mem.Profile{Profile: ProfileOf(seed)}, seed) }

// KeptOf is the trial in one line.
func KeptOf(tr Trial, o env.Opener) Kept {
	k := Kept{Seed: tr.Plan.Seed, Script: tr.Plan.Script}
	if p, ok := o.(mem.Profile); ok {
		k.Profile = p.Profile
	}
	return k
}

// String is the line: seed, profile, script.
func (k Kept) String() string { return fmt.Sprintf("%d %v %v", k.Seed, k.Profile, k.Script) }

// ParseKept reads what String wrote. What follows a # is a remark.
func ParseKept(line string) (Kept, error) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) != 3 {
		return Kept{}, fmt.Errorf("%q is no kept seed: want seed, profile and script", line)
	}
	seed, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return Kept{}, fmt.Errorf("the seed of %q: %w", line, err)
	}
	k := Kept{Seed: seed}
	if err := k.Profile.UnmarshalText([]byte(words[1])); err != nil {
		return Kept{}, fmt.Errorf("the profile of %q: %w", line, err)
	}
	k.Script, err = fault.Parse(words[2])
	return k, err
}

// Trial is the kept seed's.
func (k Kept) Trial() Trial {
	tr := New(mem.Profile{Profile: k.Profile}, k.Seed)
	tr.Plan.Script = k.Script
	return tr
}
