package kafka_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// session is after what silence fake brokers take a member for dead.
const session = 3 * time.Second

// A service is fake brokers and the connections to them.
type service struct {
	*kfake.Cluster
	wires *wires
}

// serve starts fake brokers that know what those of a version know; nil: what the newest know.
func serve(t testing.TB, version *kversion.Versions) service {
	w := newWires()
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(session / 10),
		kfake.BrokerConfigs(map[string]string{
			"group.consumer.session.timeout.ms":    strconv.FormatInt(session.Milliseconds(), 10),
			"group.consumer.heartbeat.interval.ms": "100",
		}),
	}
	if bubbles {
		options = append(options, kfake.Ports(9001), kfake.ListenFn(w.net.Listen))
	}
	if version != nil {
		options = append(options, kfake.MaxVersions(version))
	}
	cluster, err := kfake.NewCluster(options...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	mend(cluster)
	return service{cluster, w}
}

// config opens the service.
func (s service) config(sharing kafka.Assignment) kafka.Config {
	c := kafka.Config{
		Brokers: s.ListenAddrs(), Dial: s.wires.dial, Assignment: sharing, Session: session, Heartbeat: 100 * time.Millisecond,
		Rebalance: 10 * time.Second, MetadataMinAge: 50 * time.Millisecond,
		BatchBytes:     8 << 20,                         // topics decide
		PartitionBytes: 16 << 10, BufferBytes: 16 << 10, // readers can be overtaken
	}
	if !bubbles {
		c.MetadataMaxAge = time.Second
	}
	return c
}

// plague has the brokers refuse appends and commits now and then, and answers to them get lost or late.
func (s service) plague() {
	s.wires.trouble = rand.New(rand.NewPCG(1, 2))
	dice := rand.New(rand.NewPCG(3, 4)) // used by the cluster's one goroutine
	now := func(kmsg.Request) bool { return dice.IntN(12) == 0 }
	s.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: now},
		kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorLoadInProgress, Count: -1, When: now},
	)
}

// fakeHarness gives the suite all that can be done to fake brokers.
func fakeHarness(t testing.TB, l library, version *kversion.Versions, sharing kafka.Assignment) streamtest.Harness {
	s := serve(t, version)
	h := harnessOf(t, l, s.config(sharing))
	h.MakeStream = func(ctx context.Context, c stream.StreamConfig) error {
		if c.Compacted {
			refuseKeyless(s.Cluster, c.Name)
		}
		return stream.EnsureStream(ctx, h.Backend, c)
	}
	h.Pause, h.Resume, h.Cut = s.wires.pause, s.wires.resume, s.wires.sever
	h.Trouble = func(t testing.TB) stream.Backend {
		s := serve(t, version)
		s.plague()
		return l.opened(t, s.config(sharing))
	}
	if bubbles {
		h.Bubble = true
		h.Pass = func(d time.Duration) {
			time.Sleep(d)
			s.Compact() // real brokers do so by themselves, in time
			s.ApplyRetention()
		}
	} else {
		h.Parallel = 8
	}
	return h
}
