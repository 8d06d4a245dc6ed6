package kafkago

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Cluster asks every broker for its versions, a few at a time, and the first for its configuration.
func (c *client) Cluster(ctx context.Context) (engine.Cluster, error) {
	brokers, err := c.brokers(ctx)
	if err != nil {
		return engine.Cluster{}, err
	}
	answers, failed := c.versions(ctx, brokers)
	if len(answers) == 0 {
		return engine.Cluster{}, fmt.Errorf("no broker tells its versions: %w", failed)
	}
	features, apis := make([]map[string]int16, len(answers)), make([]map[int16]int16, len(answers))
	for i, a := range answers {
		features[i], apis[i] = a.features, a.highest
	}
	cluster := engine.Cluster{Version: guess(oldest(apis)), Brokers: len(brokers), AllBrokers: failed}
	cluster.Features, cluster.APIs = lowest(features), lowest(apis)
	first := brokers[0]
	cluster.Configs, err = c.configs(ctx, addressOf(first), resourceBroker, decimal(first.NodeID))
	cluster.ConfigsErr = engine.Denied(err, "DESCRIBE_CONFIGS", "cluster")
	return cluster, nil
}

// versionsAtOnce is how many brokers are asked at a time.
const versionsAtOnce = 8

// versions returns the answers, and an error that joins those of the brokers without one.
func (c *client) versions(ctx context.Context, brokers []metadata.ResponseBroker) ([]*versionsResponse, error) {
	var (
		mu      sync.Mutex // guards what follows
		answers []*versionsResponse
		errs    []error
	)
	atOnce(brokers, func(b metadata.ResponseBroker) {
		answer, err := c.version(ctx, addressOf(b))
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, fmt.Errorf("broker %d: %w", b.NodeID, err))
		} else {
			answers = append(answers, answer)
		}
	})
	return answers, errors.Join(errs...)
}

// atOnce calls a function with every element, with a few at a time, and waits for all.
func atOnce[E any](all []E, do func(E)) {
	var wg sync.WaitGroup
	next := make(chan E)
	for range min(versionsAtOnce, len(all)) {
		wg.Go(func() {
			for e := range next {
				do(e)
			}
		})
	}
	for _, e := range all {
		next <- e
	}
	close(next)
	wg.Wait()
}

// version asks a broker; one that is older than features has none.
func (c *client) version(ctx context.Context, address string) (*versionsResponse, error) {
	answer, err := question[*versionsResponse](ctx, c.lines, address, &versionsRequest{})
	if errors.Is(err, stream.ErrUnsupported) {
		return c.oldVersion(ctx, address)
	}
	if err != nil {
		return nil, err
	}
	return answer, engine.Map(engine.Failed(answer.code, nil))
}

func (c *client) oldVersion(ctx context.Context, address string) (*versionsResponse, error) {
	told, err := question[*apiversions.Response](ctx, c.lines, address, &apiversions.Request{})
	if err != nil {
		return nil, err
	}
	answer := &versionsResponse{highest: make(map[int16]int16, len(told.ApiKeys)), features: map[string]int16{}}
	for _, k := range told.ApiKeys {
		answer.highest[k.ApiKey] = k.MaxVersion
	}
	return answer, engine.Map(engine.Failed(told.ErrorCode, nil))
}

// oldest is the answer that knows the fewest requests and versions.
func oldest(answers []map[int16]int16) map[int16]int16 {
	known := func(highest map[int16]int16) (sum int) {
		for _, version := range highest {
			sum += 1 + int(version)
		}
		return sum
	}
	least := answers[0]
	for _, other := range answers[1:] {
		if known(other) < known(least) {
			least = other
		}
	}
	return least
}

// guess is the release that knows these versions, by franz-go's tables.
func guess(highest map[int16]int16) string {
	var versions kversion.Versions
	for key, version := range highest {
		versions.SetMaxKeyVersion(key, version)
	}
	return versions.VersionGuess()
}

// lowest keeps the keys that all maps have, with the lowest value.
func lowest[K comparable](all []map[K]int16) map[K]int16 {
	least := all[0]
	for _, other := range all[1:] {
		for key, level := range least {
			if there, ok := other[key]; !ok {
				delete(least, key)
			} else {
				least[key] = min(level, there)
			}
		}
	}
	return least
}
