//go:build servers

package testenv_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/internal/testenv"
)

var versions = []string{testenv.DefaultVersion, testenv.VersionTV1}

func TestClientProducesAndConsumes(t *testing.T) {
	for _, version := range versions {
		for _, nodes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s of %d", version, nodes), func(t *testing.T) {
				at := time.Now()
				c := testenv.Run(t, testenv.Config{Version: version, Nodes: nodes})
				t.Logf("ready after %v", time.Since(at).Round(10*time.Millisecond))
				require.Equal(t, nodes, c.Nodes())
				require.Len(t, c.Bootstrap(), nodes)
				require.Equal(t, version, c.Version())
				topic(t, c, "echo")
				produce(t, client(t, c.Bootstrap()), "echo", numbers(0, 10)...)
				require.Equal(t, numbers(0, 10), read(t, c.Bootstrap(), "echo", 10))
			})
		}
	}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := testenv.Run(t, testenv.Config{})
	pid := c.Pid(1)
	require.NotZero(t, pid)
	c.Stop()
	c.Stop()
	require.Zero(t, c.Pid(1))
	require.NoDirExists(t, fmt.Sprintf("/proc/%d", pid))
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.Error(t, c.Restart(t.Context(), 1))
}

func TestSeveralClustersAtOnce(t *testing.T) {
	for i, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := testenv.Run(t, testenv.Config{Version: version})
			topic(t, c, "same")
			produce(t, client(t, c.Bootstrap()), "same", version)
			require.Equal(t, []string{versions[i]}, read(t, c.Bootstrap(), "same", 1))
		})
	}
}

func TestKilledLeaderIsReplacedAndComesBack(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			c := testenv.Run(t, testenv.Config{Version: version, Nodes: 3})
			topic(t, c, "moved")
			cl := client(t, c.Bootstrap())
			produce(t, cl, "moved", "0")
			first := leader(t, cl, "moved")
			require.NoError(t, c.Kill(first))
			require.Zero(t, c.Pid(first))
			produce(t, cl, "moved", "1")
			require.NotEqual(t, first, leader(t, cl, "moved"))
			before := c.Bootstrap()
			require.NoError(t, c.Restart(within(t, patience), first))
			require.NotZero(t, c.Pid(first))
			require.Equal(t, before, c.Bootstrap())
			produce(t, cl, "moved", "2")
			require.Equal(t, numbers(0, 3), read(t, c.Bootstrap()[first-1:first], "moved", 3))
		})
	}
}

func TestAllNodesKilledKeepTheirData(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Nodes: 3})
	topic(t, c, "kept")
	produce(t, client(t, c.Bootstrap()), "kept", numbers(0, 5)...)
	for node := 1; node <= 3; node++ {
		require.NoError(t, c.Kill(node))
	}
	for node := 1; node <= 3; node++ {
		require.NoError(t, c.Restart(within(t, patience), node))
	}
	require.NoError(t, c.Ready(within(t, patience)))
	require.Equal(t, numbers(0, 5), read(t, c.Bootstrap(), "kept", 5))
}

func TestTerminatedNodeHandsOver(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Nodes: 3})
	topic(t, c, "handed")
	cl := client(t, c.Bootstrap())
	produce(t, cl, "handed", "0")
	first := leader(t, cl, "handed")
	require.NoError(t, c.Terminate(first))
	require.Zero(t, c.Pid(first))
	require.NoError(t, c.Terminate(first), "a node that has ended stays ended")
	produce(t, cl, "handed", "1")
	require.Error(t, c.Pause(first))
	require.NoError(t, c.Restart(within(t, patience), first))
}

func TestPausedNodeKeepsItsConnections(t *testing.T) {
	c := testenv.Run(t, testenv.Config{})
	topic(t, c, "paused")
	cl := client(t, c.Bootstrap(), kgo.MaxProduceRequestsInflightPerBroker(1))
	produce(t, cl, "paused", "0")
	require.NoError(t, c.Pause(1))
	answered := make(chan error, 1)
	cl.Produce(t.Context(), &kgo.Record{Topic: "paused", Value: []byte("1")}, func(_ *kgo.Record, err error) { answered <- err })
	select {
	case err := <-answered:
		require.Fail(t, "a paused node answered", "%v", err)
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, c.Resume(1))
	require.NoError(t, <-answered)
	require.Equal(t, numbers(0, 2), read(t, c.Bootstrap(), "paused", 2))
}

func TestPausedLeaderOfThreeIsReplaced(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Nodes: 3})
	topic(t, c, "replaced")
	cl := client(t, c.Bootstrap())
	produce(t, cl, "replaced", "0")
	first := leader(t, cl, "replaced")
	require.NoError(t, c.Pause(first))
	produce(t, cl, "replaced", "1")
	require.NoError(t, c.Ready(within(t, patience)), "a paused node is not waited for")
	require.NoError(t, c.Resume(first))
	require.NoError(t, c.Ready(within(t, patience)))
	produce(t, cl, "replaced", "2")
}

func TestClientsReachBrokersThroughProxies(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Nodes: 3, Proxy: true})
	topic(t, c, "proxied")
	cl := client(t, c.Bootstrap())
	brokers, err := kadm.NewClient(cl).ListBrokers(within(t, patience))
	require.NoError(t, err)
	for _, b := range brokers {
		addr := fmt.Sprintf("%s:%d", b.Host, b.Port)
		require.Equal(t, c.Proxy(int(b.NodeID)).Addr(), addr)
		require.Equal(t, c.Bootstrap()[b.NodeID-1], addr)
	}
	produce(t, cl, "proxied", "0")
	p := c.Proxy(leader(t, cl, "proxied"))
	reset := p.Set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{tcpfault.Produce}, Times: 1})
	produce(t, cl, "proxied", "1")
	require.EqualValues(t, 1, reset.Hits())
	lost := p.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Times: 1})
	produce(t, cl, "proxied", "2")
	require.EqualValues(t, 1, lost.Hits())
	require.Equal(t, numbers(0, 3), read(t, c.Bootstrap(), "proxied", 3))
}

func TestLostReplyOfAPlainProducerWritesTwice(t *testing.T) {
	c := testenv.Run(t, testenv.Config{Proxy: true})
	topic(t, c, "twice")
	cl := client(t, c.Bootstrap(), kgo.DisableIdempotentWrite())
	lost := c.Proxy(1).Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Times: 1})
	produce(t, cl, "twice", "0")
	require.EqualValues(t, 1, lost.Hits())
	require.Equal(t, []string{"0", "0"}, read(t, c.Bootstrap(), "twice", 2), "the server had applied the first")
}

func TestFeaturesAndPropertiesAreInForce(t *testing.T) {
	c := testenv.Run(t, testenv.Config{
		Features:   map[string]int16{"transaction.version": 1},
		Properties: map[string]string{"message.max.bytes": "54321", "log.segment.bytes": "1048576"},
		Heap:       "192m",
		Fast:       true,
	})
	cl := client(t, c.Bootstrap())
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(within(t, patience), cl)
	require.NoError(t, err)
	levels := make(map[string]int16)
	for _, f := range versions.FinalizedFeatures {
		levels[f.Name] = f.MaxVersionLevel
	}
	require.EqualValues(t, 1, levels["transaction.version"])
	configs, err := kadm.NewClient(cl).DescribeBrokerConfigs(within(t, patience), 1)
	require.NoError(t, err)
	values := make(map[string]string)
	for _, one := range configs[0].Configs {
		values[one.Key] = one.MaybeValue()
	}
	require.Equal(t, "54321", values["message.max.bytes"])
	require.Equal(t, "1048576", values["log.segment.bytes"])
}

func TestErrorQuotesTheLogOfANodeThatEnds(t *testing.T) {
	var log bytes.Buffer
	at := time.Now()
	_, err := testenv.Start(t.Context(), testenv.Config{
		Properties: map[string]string{"num.io.threads": "none"},
		Log:        &log,
	})
	require.ErrorContains(t, err, "num.io.threads")
	require.Less(t, time.Since(at), patience)
}

func TestErrorQuotesTheLogOfABrokenBroker(t *testing.T) {
	var log bytes.Buffer
	_, err := testenv.Start(t.Context(), testenv.Config{
		Properties: map[string]string{"authorizer.class.name": "no.such.Authorizer"},
		Log:        &log,
	})
	require.ErrorContains(t, err, "node 1")
	require.ErrorContains(t, err, "no.such.Authorizer")
	require.Contains(t, log.String(), "no.such.Authorizer")
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
	defer cancel()
	_, err := testenv.Start(ctx, testenv.Config{Nodes: 3})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}
