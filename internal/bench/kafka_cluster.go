package main

import (
	"context"

	"github.com/streamport-go/streamport/internal/testenv"
)

// brokerHeap is the heap of a broker that was started to be measured: what it has in service would be more, and with the
// tests' own its collector would be measured.
const brokerHeap = "1g"

// A cluster is brokers that this program started.
type cluster struct {
	*testenv.Cluster
	brokers []string
}

// startCluster starts one or three real brokers with the optimising compiler.
func startCluster(ctx context.Context, nodes int) (*cluster, error) {
	inner, err := testenv.Start(ctx, testenv.Config{Nodes: nodes, Fast: true, Heap: brokerHeap})
	if err != nil {
		return nil, err
	}
	return &cluster{Cluster: inner, brokers: inner.Bootstrap()}, nil
}

func (c *cluster) stop() error {
	c.Stop()
	return nil
}
