package trial

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/env"
	"github.com/streamport-go/streamport/internal/verify/env/kfake"
	"github.com/streamport-go/streamport/internal/verify/env/kinesis"
	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/memory"
)

// A Kept is a seed that failed once: it is replayed for ever. The seed alone makes the plan; the script replaces the plan's.
type Kept struct {
	Seed   uint64
	On     string // a memory profile's name, FakeKinesis, or Kfake, followed by a slash and a client other than franz-go
	Script fault.Script
}

// Kfake names the environment of the Kafka adapter on kfake.
const Kfake = "kfake"

// FakeKinesis names the environment of the Kinesis adapter on the fake services. It is no profile's name.
const FakeKinesis = "fakekinesis"

// profiles are those of a seed, by its rest.
var profiles = [...]memory.Profile{memory.Strict, memory.Kafka, memory.Kinesis}

// ProfileOf is the memory profile on which a seed runs.
func ProfileOf(seed uint64) memory.Profile { return profiles[seed%uint64(len(profiles))] }

// Memory is the trial of a seed on package memory.
func Memory(seed uint64) Trial { return New(mem.Profile{Profile: ProfileOf(seed)}, seed) }

// Brokers are the trials of seeds on the Kafka adapter, through a client library, and kfake. Histories are not the seed's
// alone.
func Brokers(through client.Library) func(seed uint64) Trial {
	return func(seed uint64) Trial {
		tr := New(kfake.Brokers{Client: through}, seed)
		tr.Racy = true
		return tr
	}
}

// Kinesis is the trial of a seed on the Kinesis adapter and the fake services. Its history is not the seed's alone.
func Kinesis(seed uint64) Trial {
	tr := New(kinesis.Services{Seed: seed}, seed)
	tr.Racy = true
	return tr
}

// KeptOf is the trial in one line.
func KeptOf(tr Trial, o env.Opener) Kept {
	k := Kept{Seed: tr.Plan.Seed, Script: tr.Plan.Script}
	switch o := o.(type) {
	case kfake.Brokers:
		k.On = Kfake
		if !o.Client.Default() {
			k.On += "/" + string(o.Client)
		}
	case mem.Profile:
		k.On = o.Profile.String()
	case kinesis.Services:
		k.On = FakeKinesis
	}
	return k
}

// String is the line: seed, environment, script.
func (k Kept) String() string { return fmt.Sprintf("%d %v %v", k.Seed, k.On, k.Script) }

// ParseKept reads what String wrote. What follows a # is a remark.
func ParseKept(line string) (Kept, error) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) != 3 {
		return Kept{}, fmt.Errorf("%q is no kept seed: want seed, environment and script", line)
	}
	seed, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return Kept{}, fmt.Errorf("the seed of %q: %w", line, err)
	}
	k := Kept{Seed: seed, On: words[1]}
	if _, err := k.opener(); err != nil {
		return Kept{}, fmt.Errorf("the environment of %q: %w", line, err)
	}
	k.Script, err = fault.Parse(words[2])
	return k, err
}

func (k Kept) opener() (env.Opener, error) {
	switch on, through, _ := strings.Cut(k.On, "/"); on {
	case Kfake:
		library, err := client.Parse(through)
		return kfake.Brokers{Client: library}, err
	case FakeKinesis:
		return kinesis.Services{Seed: k.Seed}, nil
	}
	var p mem.Profile
	err := p.Profile.UnmarshalText([]byte(k.On))
	return p, err
}

// Trial is the kept seed's. ParseKept has seen to it that there is the environment.
func (k Kept) Trial() Trial {
	o, err := k.opener()
	if err != nil {
		panic(err)
	}
	tr := New(o, k.Seed)
	_, memory := o.(mem.Profile)
	tr.Plan.Script, tr.Racy = k.Script, !memory
	return tr
}
