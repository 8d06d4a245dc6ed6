package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/stream"
)

const (
	active   = "ACTIVE"
	deleting = "DELETING"
	// lookAgain is the time between looks at a consumer that is not active yet. The service allows 20 looks a second a stream.
	lookAgain = time.Second
	// activation is how long a consumer has to become active.
	activation = time.Minute
)

// A Registration names a consumer.
type Registration struct {
	Service api.Service
	Stream  string // a name or an ARN
	Name    string
	Own     bool         // Close deregisters it
	Logger  *slog.Logger // default: discards
}

// A Consumer is a registered consumer of enhanced fan-out, which the readers of all shards of a stream share. Its ARN is
// asked for anew in each process, and again when the service no longer knows it. Methods may be called from many
// goroutines.
type Consumer struct {
	config Registration
	stream string // its ARN

	mu  sync.Mutex // guards what follows
	arn string
}

// Register finds the consumer, makes it if there is none, and waits until it is active, at most for a minute.
func Register(ctx context.Context, r Registration) (*Consumer, error) {
	r.Logger = cmp.Or(r.Logger, slog.New(slog.DiscardHandler))
	c := &Consumer{config: r, stream: r.Stream}
	if !strings.HasPrefix(r.Stream, "arn:") {
		summary, err := r.Service.Summary(ctx, r.Stream)
		if err != nil {
			return nil, err
		}
		c.stream = summary.ARN
	}
	_, err := c.resolve(ctx)
	return c, err
}

// ARN is the consumer's name for the service.
func (c *Consumer) ARN() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arn
}

// refresh asks for the ARN again, unless another reader has already learned a new one than the one that failed.
func (c *Consumer) refresh(ctx context.Context, failed string) (string, error) {
	if known := c.ARN(); known != failed {
		return known, nil
	}
	return c.resolve(ctx)
}

// Close deregisters the consumer if it is this process's own. Subscriptions of others to it end then.
func (c *Consumer) Close(ctx context.Context) error {
	if !c.config.Own {
		return nil
	}
	err := c.config.Service.Deregister(ctx, c.ARN())
	if api.CodeOf(err) == api.Missing {
		return nil
	}
	return err
}

// resolve finds or makes the consumer, and waits until it is active.
func (c *Consumer) resolve(ctx context.Context) (string, error) {
	var trouble trouble
	for until := time.Now().Add(activation); ; {
		found, err := c.find(ctx)
		switch k := kindOf(err); {
		case err == nil && found.Status == active:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.arn = found.ARN
			return found.ARN, nil
		case err != nil && (ctx.Err() != nil || k != passing && k != throttled && api.CodeOf(err) != api.InUse):
			return "", err
		case time.Now().After(until):
			return "", errors.Join(fmt.Errorf("consumer %q is not active after %v", c.config.Name, activation), err)
		}
		wait := lookAgain
		if err != nil {
			if longer, more := trouble.again(lookAgain, longestWait); more {
				wait = longer
			}
		}
		if err := pause(ctx, time.Now().Add(wait)); err != nil {
			return "", err
		}
	}
}

// find describes the consumer, and registers it if there is none. One that is being deleted is waited for.
func (c *Consumer) find(ctx context.Context) (api.Consumer, error) {
	found, err := c.config.Service.Consumer(ctx, c.stream, c.config.Name)
	if api.CodeOf(err) != api.Missing {
		return found, err
	}
	made, err := c.config.Service.Register(ctx, c.stream, c.config.Name)
	switch {
	case err == nil:
		c.config.Logger.Info("consumer of enhanced fan-out registered", "stream", c.config.Stream, "consumer", c.config.Name)
	case api.CodeOf(err) == api.InUse: // another member was first
		return api.Consumer{Status: deleting}, nil
	}
	return made, err
}

// errWithdrawn is why a capability has changed.
func errWithdrawn(cause error) error {
	return fmt.Errorf("enhanced fan-out is given up for polling, for %v: %w", pollingTime, cause)
}

// errReturned is why it has changed back.
var errReturned = errors.New("enhanced fan-out works again")

func (c Config) changed(err error) {
	c.Observe(stream.Event{Kind: stream.EventCapabilityChanged, Stream: c.Stream, Partition: c.Shard, Err: err})
}
