package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func newProber(b *brokers) *engine.Prober { return engine.NewProber(b, settings(), engine.Abilities{}) }

func TestProberTellsWhatIsNow(t *testing.T) {
	b := newBrokers()
	b.set(topicOf("orders", 2, 3, nil))
	p := newProber(b)
	for partitions := 1; partitions < 4; partitions++ {
		b.set(topicOf("orders", partitions, 3, nil))
		c, err := p.Capabilities(t.Context(), "orders")
		require.NoError(t, err)
		require.Equal(t, partitions, c.Partitions)
	}
	require.Equal(t, 1, b.clusters, "brokers are asked again within seconds")
	_, err := p.Capabilities(t.Context(), "nowhere")
	require.ErrorIs(t, err, stream.ErrNotFound)
	_, err = p.Capabilities(t.Context(), "no such name")
	require.ErrorIs(t, err, stream.ErrInvalid)
	require.Zero(t, b.count("no such name"))
}

func TestConcurrentProbesShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		b.delay = time.Second
		p := newProber(b)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // all while the first request is under way
				_, err := p.Capabilities(t.Context(), "orders")
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 2, b.count("orders"), "the first request, and one for all who came during it")
	})
}

func TestAProbeWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		b.delay = time.Hour
		p := newProber(b)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := p.Capabilities(ctx, "orders")
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		wg.Wait()
	})
}

func TestLimitsFollowATopicThatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		p := newProber(b)
		defer p.Close()
		_, known := p.MaxBatchBytes("orders")
		require.False(t, known, "nobody has asked")
		release, err := p.Open(t.Context(), "orders")
		require.NoError(t, err)
		require.Equal(t, limit{1048588, true}, limitOf(p, "orders"))
		require.EqualValues(t, 4096, p.MetadataBytes())
		b.set(topicOf("orders", 2, 3, map[string]string{"max.message.bytes": "5000"}))
		time.Sleep(59 * time.Second)
		require.Equal(t, limit{1048588, true}, limitOf(p, "orders"))
		time.Sleep(2 * time.Second)
		require.Equal(t, limit{5000, true}, limitOf(p, "orders"))
		asked := b.count("orders")
		release()
		release()
		time.Sleep(time.Hour)
		require.Equal(t, asked, b.count("orders"), "probed while nothing is open")
	})
}

type limit struct {
	bytes int64
	known bool
}

func limitOf(p *engine.Prober, topic string) limit {
	n, known := p.MaxBatchBytes(topic)
	return limit{n, known}
}

func TestATopicOfInterestIsAskedForInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		p := newProber(b)
		defer p.Close()
		release, err := p.Open(t.Context())
		require.NoError(t, err)
		defer release()
		require.Equal(t, limit{}, limitOf(p, "orders"))
		synctest.Wait()
		require.Equal(t, limit{1048588, true}, limitOf(p, "orders"))
	})
}

func TestBrokersOutOfReachChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		p := newProber(b)
		defer p.Close()
		release, err := p.Open(t.Context(), "orders")
		require.NoError(t, err)
		defer release()
		b.mu.Lock()
		b.fails = errors.New("no broker can be reached")
		b.mu.Unlock()
		time.Sleep(5 * time.Minute)
		require.Equal(t, limit{1048588, true}, limitOf(p, "orders"))
		_, err = p.Capabilities(t.Context(), "orders")
		require.ErrorContains(t, err, "no broker can be reached")
	})
}

func TestConfigurationThatIsLateIsAnErrorAndDeniedIsAFact(t *testing.T) {
	b := newBrokers()
	late := topicOf("orders", 2, 3, nil)
	late.Configs, late.ConfigsErr = nil, engine.Map(engine.Failed(7, nil))
	b.set(late)
	p := newProber(b)
	_, err := p.Capabilities(t.Context(), "orders")
	require.Error(t, err)
	late.ConfigsErr = engine.Map(engine.Failed(29, nil))
	b.set(late)
	c, err := p.Capabilities(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, stream.Unknown, c.Compaction.Support)
}

func TestProberCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrokers()
		b.set(topicOf("orders", 2, 3, nil))
		p := newProber(b)
		release, err := p.Open(t.Context(), "orders")
		require.NoError(t, err)
		p.Close()
		p.Close()
		release()
		_, err = p.Open(t.Context(), "orders")
		require.ErrorIs(t, err, stream.ErrClosed)
	})
}
