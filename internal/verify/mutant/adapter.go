package mutant

import (
	"github.com/streamport-go/streamport/internal/verify/client"
	"github.com/streamport-go/streamport/internal/verify/env/kfake"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/kafka"
)

// The folders of the adapters.
const (
	ofKafka   = "kafka"
	ofKinesis = "kinesis"
)

// An Adapter is one broken variant of an adapter. It is rejected by the checker, at seeds that run on a fake of the
// services and are not replayable exactly, or by a test of the adapter, where a run shows it too rarely.
type Adapter struct {
	Of    string   // the adapter's folder
	Name  string   // of one in a package of the adapter: what STREAMPORT_MUTANT names
	By    []string // the anomalies of which one must show
	Seeds []uint64 // at which one shows, most of the time

	Package string // below the adapter's folder internal, for one that a test rejects
	Test    string // of that package: what -test.run matches

	through client.Library // of Kafka's
	narrow  func(*workload.Plan)
	config  func(*kafka.Config)
}

// Trial is the trial of a seed as the variant needs it.
func (a Adapter) Trial(seed uint64) trial.Trial {
	tr := trial.Kinesis(seed)
	if a.Of == ofKafka {
		tr = trial.New(kfake.Brokers{Client: a.through, Change: a.config}, seed)
		tr.Racy = true
	}
	if a.narrow != nil {
		a.narrow(&tr.Plan)
	}
	return tr
}

// Sound is the same trial without what the variant changes in the configuration.
func (a Adapter) Sound(seed uint64) trial.Trial {
	a.config = nil
	return a.Trial(seed)
}

// of says whose variants these are.
func of(folder string, all []Adapter) []Adapter {
	for i := range all {
		all[i].Of = folder
	}
	return all
}
