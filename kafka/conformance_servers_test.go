//go:build servers

package kafka_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestBroker proves the adapter against the contract on one node of the newest Kafka, by default assignment.
func TestBroker(t *testing.T) {
	t.Run("4.4.0", func(t *testing.T) {
		b := startBrokers(t, testenv.Config{Version: "4.4.0"})
		b.conforms(t, kafka.Cooperative, "kafka-4.4.0")
	})
}

// TestBrokerMatrix is TestBroker on the other versions, numbers of nodes and assignments that matter.
func TestBrokerMatrix(t *testing.T) {
	t.Run("4.4.0 one node", func(t *testing.T) {
		b := startBrokers(t, testenv.Config{Version: "4.4.0", Properties: serverSessions})
		t.Run("eager", func(t *testing.T) { b.conforms(t, kafka.Eager, "kafka-4.4.0-eager") })
		t.Run("server", func(t *testing.T) { b.conforms(t, kafka.Server, "kafka-4.4.0-server") })
	})
	t.Run("4.4.0 three nodes", func(t *testing.T) {
		b := startBrokers(t, testenv.Config{Version: "4.4.0", Nodes: 3})
		b.conforms(t, kafka.Cooperative, "kafka-4.4.0-three-nodes")
	})
	t.Run("3.9.2 one node", func(t *testing.T) {
		b := startBrokers(t, testenv.Config{Version: "3.9.2"})
		b.conforms(t, kafka.Cooperative, "kafka-3.9.2")
	})
	t.Run("3.9.2 three nodes", func(t *testing.T) {
		b := startBrokers(t, testenv.Config{Version: "3.9.2", Nodes: 3})
		b.conforms(t, kafka.Cooperative, "kafka-3.9.2-three-nodes")
	})
}

// serverSessions are what brokers decide for groups of the server's assignment, and members by themselves otherwise.
var serverSessions = map[string]string{
	"group.consumer.heartbeat.interval.ms": "200",
	"group.consumer.session.timeout.ms":    "2000",
}

// atATime is how many rules are tried at a time: most of a rule's time is waiting.
const atATime = 6

// conforms runs the suite and compares its report with the one that is checked in under the name.
func (b *brokers) conforms(t *testing.T, assignment kafka.Assignment, name string) {
	file := filepath.Join(t.TempDir(), "report.json")
	streamtest.Run(t, func(t testing.TB) streamtest.Harness {
		h := b.harness(t, assignment)
		h.Report = file
		return h
	})
	if t.Failed() {
		return
	}
	var now conformance
	read(t, file, &now.Report)
	now.Kafka, now.Nodes, now.Assignment = b.Version(), b.Nodes(), string(assignment)
	now.compare(t, filepath.Join("testdata", "conformance", name+".json"))
}

// A conformance is a report as it is checked in.
type conformance struct {
	Kafka      string            `json:"kafka"` // the brokers' version
	Nodes      int               `json:"nodes"`
	Assignment string            `json:"assignment"`
	Report     streamtest.Report `json:"report"`
}

// compare fails where a verdict is worse than in a file, or writes the file anew if -update is given.
func (c conformance) compare(t *testing.T, file string) {
	t.Helper()
	if *update {
		text, err := json.MarshalIndent(c, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
		return
	}
	var before conformance
	read(t, file, &before)
	for _, rule := range c.Report.Rules {
		i := slices.IndexFunc(before.Report.Rules, func(r streamtest.RuleReport) bool { return r.Rule == rule.Rule })
		if i < 0 {
			t.Errorf("%s is not in %s: run the test with -update", rule.Rule, file)
			continue
		}
		if was := before.Report.Rules[i]; worth(rule.Verdict) < worth(was.Verdict) {
			t.Errorf("%s was %s and is %s: %s", rule.Rule, was.Verdict, rule.Verdict, strings.Join(rule.Why, "; "))
		}
	}
}

// worth orders verdicts, the better one higher. Nothing is better than to be proved, or absent and refused.
func worth(verdict string) int {
	worse := []string{streamtest.Refuted, streamtest.Unclear, streamtest.Untried, streamtest.Partly}
	if i := slices.Index(worse, verdict); i >= 0 {
		return i
	}
	return len(worse)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

// harness is a backend whose connections are its own, so that what is done to it concerns nobody else on the cluster.
func (b *brokers) harness(t testing.TB, assignment kafka.Assignment) streamtest.Harness {
	way, members := b.path(t.(*testing.T)), newLines()
	config := b.config(nil)
	config.Assignment = assignment
	config.BatchBytes = 4 << 20                               // so that a topic's own limit counts
	config.BufferBytes, config.PartitionBytes = 16<<10, 4<<10 // so that records can expire before they are fetched
	config.Dial = members.over(way.dial)
	h := harnessOf(t, config)
	h.Parallel = atATime
	h.Pause, h.Resume = members.pause, members.resume
	h.Cut = func() (func(), error) { return way.set(tcpfault.Rule{Kind: tcpfault.CutOff}).remove, nil }
	h.Trouble = func(t testing.TB) stream.Backend { return b.troubled(t, assignment) }
	return h
}

// troubled is a backend some of whose produce requests, commits and checkpoints are refused, late or not answered.
func (b *brokers) troubled(t testing.TB, assignment kafka.Assignment) stream.Backend {
	way := b.path(t.(*testing.T))
	writes := []int16{tcpfault.Produce, tcpfault.EndTxn, tcpfault.OffsetCommit, tcpfault.TxnOffsetCommit}
	for skip := 1; skip < 200; skip += 7 {
		way.set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: writes, Skip: skip, Times: 1})
		way.set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: writes, Skip: skip + 2, Times: 1})
		way.set(tcpfault.Rule{Kind: tcpfault.Delay, Keys: writes, Skip: skip + 4, Times: 1, Delay: 50 * time.Millisecond})
	}
	config := b.config(way)
	config.Assignment = assignment
	return openConfig(t, config)
}
