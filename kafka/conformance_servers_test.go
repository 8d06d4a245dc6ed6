//go:build servers

package kafka_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// TestBroker proves the adapter against the contract on one node of the newest Kafka, by default assignment.
func TestBroker(t *testing.T) {
	conform(t, franzGo, testenv.Config{Version: testenv.DefaultVersion}, "4.4.0", kafka.Cooperative)
}

// TestBrokerKafkaGo is TestBroker through kafka-go.
func TestBrokerKafkaGo(t *testing.T) {
	conform(t, kafkaGo, testenv.Config{Version: testenv.DefaultVersion}, "4.4.0", kafka.Eager)
}

// TestBrokerMatrix is TestBroker on the other versions, numbers of nodes and assignments that matter. Its rules stand at
// the fourth level: -run '^TestBrokerMatrix$/././Order' tries on each cell the rules that concern order.
func TestBrokerMatrix(t *testing.T) {
	conform(t, franzGo, testenv.Config{Version: testenv.DefaultVersion, Properties: serverSessions}, "4.4.0", kafka.Eager, kafka.Server)
	conform(t, franzGo, testenv.Config{Version: testenv.DefaultVersion, Nodes: 3}, "4.4.0-three-nodes", kafka.Cooperative)
	conform(t, franzGo, testenv.Config{Version: testenv.VersionTV1}, "3.9.2", kafka.Cooperative)
	conform(t, franzGo, testenv.Config{Version: testenv.VersionTV1, Nodes: 3}, "3.9.2-three-nodes", kafka.Cooperative)
}

// TestBrokerKafkaGoMatrix is TestBrokerKafkaGo on another version and on several nodes.
func TestBrokerKafkaGoMatrix(t *testing.T) {
	conform(t, kafkaGo, testenv.Config{Version: testenv.DefaultVersion, Nodes: 3}, "4.4.0-three-nodes", kafka.Eager)
	conform(t, kafkaGo, testenv.Config{Version: testenv.VersionTV1}, "3.9.2", kafka.Eager)
}

// conform starts a cluster and runs the suite on it, once for each assignment.
func conform(t *testing.T, l library, config testenv.Config, name string, assignments ...kafka.Assignment) {
	t.Run(name, func(t *testing.T) {
		b := startBrokers(t, config).by(l)
		for _, assignment := range assignments {
			t.Run(string(assignment), func(t *testing.T) {
				b.conforms(t, assignment, "kafka-"+name+"-"+l.prefix()+string(assignment))
			})
		}
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
	now.Client, now.Kafka, now.Nodes, now.Assignment = string(b.library), b.Version(), b.Nodes(), string(assignment)
	now.compare(t, filepath.Join("testdata", "conformance", name+".json"))
}

// harness is a backend whose connections are its own, so that what is done to it concerns nobody else on the cluster.
func (b *brokers) harness(t testing.TB, assignment kafka.Assignment) streamtest.Harness {
	way, members := b.path(t.(*testing.T)), newLines()
	config := b.config(nil)
	config.Assignment = assignment
	config.BatchBytes = 4 << 20                               // so that a topic's own limit counts
	config.BufferBytes, config.PartitionBytes = 16<<10, 4<<10 // so that records can expire before they are fetched
	config.Dial = members.over(way.dial)
	h := harnessOf(t, b.library, config)
	h.Parallel = atATime
	h.Pause, h.Resume = members.pause, members.resume
	h.Grow = func(topic string, partitions int) error {
		if err := grow(t.Context(), config, topic, partitions); err != nil {
			return err
		}
		return b.knows(t.Context(), topic, partitions)
	}
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
	return b.library.opened(t, config)
}

// knows waits until every broker knows so many partitions of a topic.
func (b *brokers) knows(ctx context.Context, topic string, partitions int) error {
	all, err := b.admin.ListBrokers(ctx)
	if err != nil {
		return err
	}
	for _, node := range all.NodeIDs() {
		for known := 0; known < partitions; {
			request := kmsg.NewPtrMetadataRequest()
			asked := kmsg.NewMetadataRequestTopic()
			asked.Topic = &topic
			request.Topics = append(request.Topics, asked)
			answer, err := request.RequestWith(ctx, b.native.Broker(int(node)))
			if err != nil {
				return err
			}
			known = 0
			for _, t := range answer.Topics {
				known = len(t.Partitions)
			}
		}
	}
	return nil
}
