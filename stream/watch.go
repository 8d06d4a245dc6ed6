package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// probeInterval is how often capabilities are asked for again while a producer or consumer that requires some is open.
const probeInterval = time.Minute

// streamCapabilities are a stream's capabilities as they were last seen.
type streamCapabilities struct {
	stream       string
	capabilities Capabilities
}

// probe asks for the capabilities of each stream, if anything is required of them, and reports every gap.
func probe(ctx context.Context, b Backend, streams []string, r Requirements) ([]streamCapabilities, error) {
	if r == (Requirements{}) {
		return nil, nil
	}
	have := make([]streamCapabilities, 0, len(streams))
	var errs []error
	for _, s := range streams {
		c, err := b.Capabilities(ctx, s)
		if err != nil {
			errs = append(errs, wrap("probe", s, "", err))
			continue
		}
		have = append(have, streamCapabilities{stream: s, capabilities: c})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return have, missingAll(have, r)
}

// capabilityWatch probes again while something is open. One goroutine, which stop waits for.
type capabilityWatch struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startWatch tells changes to o, and gaps that appear to withdraw, once.
func startWatch(b Backend, streams []string, r Requirements, have []streamCapabilities, o *observer, withdraw func(error)) *capabilityWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &capabilityWatch{cancel: cancel}
	w.wg.Go(func() {
		ticker := time.NewTicker(probeInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			for i := range have {
				reprobe(ctx, b, &have[i], o)
			}
			if err := missingAll(have, r); err != nil && ctx.Err() == nil {
				withdraw(err)
				return
			}
		}
	})
	return w
}

// reprobe reports what has changed. A probe that fails changes nothing: the service may be out of reach for a moment.
func reprobe(ctx context.Context, b Backend, have *streamCapabilities, o *observer) {
	now, err := b.Capabilities(ctx, have.stream)
	if err != nil {
		return
	}
	changes := Diff(have.capabilities, now)
	have.capabilities = now
	if changes == "" {
		return
	}
	o.tell(Event{Kind: EventCapabilityChanged, Stream: have.stream, Err: fmt.Errorf("capabilities changed: %v", changes)})
}

func (w *capabilityWatch) stop() {
	w.cancel()
	w.wg.Wait()
}
