package franz

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamport-go/streamport/kafka/internal/engine"
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
	cluster := engine.Cluster{
		Version: kversion.FromApiVersionsResponse(oldest(answers)).VersionGuess(),
		Brokers: len(brokers), AllBrokers: failed,
		Features: features(answers), APIs: apis(answers),
	}
	cluster.Configs, err = c.configs(ctx, kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(brokers[0])))
	cluster.ConfigsErr = engine.Denied(err, "DESCRIBE_CONFIGS", "cluster")
	return cluster, nil
}

// brokers are the numbers of the brokers that are alive.
func (c *client) brokers(ctx context.Context) ([]int32, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // none; nil is all
	answer, err := request.RequestWith(ctx, c.native)
	if err != nil {
		return nil, mapped(err)
	}
	var numbers []int32
	for _, b := range answer.Brokers {
		numbers = append(numbers, b.NodeID)
	}
	if len(numbers) == 0 {
		return nil, errors.New("no broker is alive")
	}
	return numbers, nil
}

// versionsAtOnce is how many brokers are asked at a time.
const versionsAtOnce = 8

// versions returns the answers, and an error that joins those of the brokers without one.
func (c *client) versions(ctx context.Context, brokers []int32) ([]*kmsg.ApiVersionsResponse, error) {
	var (
		mu      sync.Mutex // guards what follows
		answers []*kmsg.ApiVersionsResponse
		errs    []error
		wg      sync.WaitGroup
	)
	next := make(chan int32)
	for range min(versionsAtOnce, len(brokers)) {
		wg.Go(func() {
			for number := range next {
				answer, err := c.version(ctx, number)
				mu.Lock()
				if err != nil {
					errs = append(errs, fmt.Errorf("broker %d: %w", number, err))
				} else {
					answers = append(answers, answer)
				}
				mu.Unlock()
			}
		})
	}
	for _, number := range brokers {
		next <- number
	}
	close(next)
	wg.Wait()
	return answers, errors.Join(errs...)
}

func (c *client) version(ctx context.Context, broker int32) (*kmsg.ApiVersionsResponse, error) {
	request := kmsg.NewPtrApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = "streamport", "0"
	answer, err := request.RequestWith(ctx, c.native.Broker(int(broker)))
	if err != nil {
		return nil, mapped(err)
	}
	return answer, engine.Map(engine.Failed(answer.ErrorCode, nil))
}

// oldest is the answer that knows the fewest requests and versions.
func oldest(answers []*kmsg.ApiVersionsResponse) *kmsg.ApiVersionsResponse {
	known := func(r *kmsg.ApiVersionsResponse) (sum int) {
		for _, k := range r.ApiKeys {
			sum += 1 + int(k.MaxVersion)
		}
		return sum
	}
	least := answers[0]
	for _, r := range answers[1:] {
		if known(r) < known(least) {
			least = r
		}
	}
	return least
}

// features are the finalised levels (KIP-584): a level that a request's version suggests may not be in use yet. While
// brokers are replaced one by one they can differ, and the lowest counts.
func features(answers []*kmsg.ApiVersionsResponse) map[string]int16 {
	all := make([]map[string]int16, len(answers))
	for i, r := range answers {
		all[i] = make(map[string]int16, len(r.FinalizedFeatures))
		for _, f := range r.FinalizedFeatures {
			all[i][f.Name] = f.MaxVersionLevel
		}
	}
	return lowest(all)
}

// apis are the highest versions that all brokers know, by API key.
func apis(answers []*kmsg.ApiVersionsResponse) map[int16]int16 {
	all := make([]map[int16]int16, len(answers))
	for i, r := range answers {
		all[i] = make(map[int16]int16, len(r.ApiKeys))
		for _, k := range r.ApiKeys {
			all[i][k.ApiKey] = k.MaxVersion
		}
	}
	return lowest(all)
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
