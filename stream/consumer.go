package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// A Consumer reads streams as one member of a group, or, with group "", by itself.
//
// Rules of Run:
//   - RunServes: Run joins the group and calls the handler, once for each hold and in a goroutine of its own, for every
//     partition that it is granted. It returns nil when ctx ends, or when every partition has reached ConsumerConfig.End.
//   - RunGrace: when ctx is done, loops end before their next element, and handlers get Grace on a context that goes on;
//     then the member leaves. Run returns within Grace and a second, whatever handlers do.
//   - RunCause: a handler's context is cancelled only when going on is pointless, with a cause: ErrLost, or ErrGrace.
//   - RunReturn: a handler that returns an error, or returns nil while its partition goes on (judged by what its last loop
//     reported), stops the whole run, and Run returns that error or nil.
//   - RunUnfinished: a return at the end of the partition with delivered records not checkpointed is an error, unless
//     nothing keeps checkpoints.
//   - RunLost: a handler whose partition was lost is not at fault, and an error that Is ErrLost counts as lost. Where the
//     backend does not agree, the partition is granted again after 100 ms, doubling to 30 s, with an event.
//   - RunAfter: after the handler has returned, Done and Checkpoint are refused, those under way are waited for (within
//     Grace), the prefix of Done is saved, the return is judged, and the partition is released.
//   - RunSwallowed: a backend's error that the handler swallowed comes back from Run.
//   - RunPanic: a panic or Goexit of the handler stops Run and becomes an error with its stack; nothing is checkpointed.
//   - RunStuck: a handler still running Grace after its partition was lost ends Run with an error that names the partition.
//     It is the one goroutine that nobody waits for.
//   - RunReleases: Run releases every partition before it leaves the group.
//   - RunOnce: a Run while another is under way is ErrInvalid.
//
// Rules of Lag:
//   - LagJoinsNothing: Lag tells how far the group is behind in every partition without joining it; what the backend does
//     not know is not known, not 0.
type Consumer interface {
	Run(ctx context.Context, h Handler) error
	Lag(ctx context.Context) ([]Lag, error)
}

// A Handler serves one hold on one partition: code before its loop runs when the partition is granted, the loop gets the
// records, code after the loop runs when the partition is asked back, has ended, or the run stops, while checkpoints
// still work. State per partition is its local variables. To return gives the partition back.
type Handler func(ctx context.Context, p *Partition) error

// ConsumerConfig configures NewConsumer. Streams must be set; every other zero value works.
type ConsumerConfig struct {
	Group           string        // who shares the partitions; "": nobody, and nothing is checkpointed without a Checkpointer
	Member          string        // names this member, unique in the group; default random
	Streams         []string      // what to read
	Partitions      []string      // read only these, of one stream, without a group; empty: all
	Start           Start         // where the group begins; default the oldest record kept
	End             Start         // where to stop; zero: nowhere
	Expired         string        // ExpiredFail, ExpiredOldest or ExpiredLatest: when retention has passed the checkpoint; default: an error
	Grace           time.Duration // how long handlers may finish; default 20 s
	CheckpointEvery time.Duration // how often the prefix of Done is saved; default 1 s
	Require         Requirements  // what every one of Streams must give
	Checkpointer    Checkpointer  // keeps checkpoints instead of the backend; nil: the backend does
	Observe         func(Event)   // told of events; must be fast, may be called from many goroutines
	Logger          *slog.Logger  // default: none
}

// NewConsumer makes a consumer of b; nothing is joined before Run. Every requirement that a stream does not meet is
// listed in one error that Is ErrUnsupported; errors.As with Gaps tells them apart.
func NewConsumer(ctx context.Context, b Backend, c ConsumerConfig) (Consumer, error) {
	if err := c.check(ctx, b); err != nil {
		return nil, &Error{Op: "open consumer", Err: err}
	}
	c.setDefaults()
	have, err := probe(ctx, b, c.Streams, c.Require)
	if err != nil {
		return nil, wrap("open consumer", "", "", err)
	}
	o := newObserver(c.Group, c.Member, c.Observe, c.Logger)
	return &consumer{backend: b, config: c, observer: o, have: have}, nil
}

// consumer is the one Consumer; what differs between backends is in the source.
type consumer struct {
	backend  Backend
	config   ConsumerConfig
	observer *observer
	have     []streamCapabilities // as probed at open; empty if nothing is required
	running  atomic.Bool
}

func (c *consumer) Run(ctx context.Context, h Handler) error {
	if ctx == nil || h == nil {
		return &Error{Op: "run", Err: fmt.Errorf("%w: the context or the handler is nil", ErrInvalid)}
	}
	if !c.running.CompareAndSwap(false, true) && !mutated("second run is allowed") {
		return &Error{Op: "run", Err: fmt.Errorf("%w: the consumer is running already", ErrInvalid)}
	}
	defer c.running.Store(false)
	if c.config.Require != (Requirements{}) {
		have := slices.Clone(c.have)
		defer startWatch(c.backend, c.config.Streams, c.config.Require, have, c.observer, func(error) {}).stop()
	}
	return newRun(c, h).serve(ctx)
}

func (c *consumer) Lag(ctx context.Context) ([]Lag, error) {
	if ctx == nil {
		return nil, &Error{Op: "lag", Err: errNilContext}
	}
	reader, ok := c.backend.(LagReader)
	if !ok {
		return nil, &Error{Op: "lag", Err: unsupported("the backend cannot tell how far a group is behind")}
	}
	var at func(stream, partition string) (Position, error)
	if kept := c.config.Checkpointer; kept != nil {
		at = func(stream, partition string) (Position, error) {
			saved, err := kept.Load(ctx, CheckpointKey{Group: c.config.Group, Stream: stream, Partition: partition})
			return saved.Position, err
		}
	}
	lags, err := reader.Lag(ctx, c.source(), at)
	return lags, wrap("lag", "", "", err)
}

func (c *consumer) source() SourceConfig {
	return SourceConfig{
		Group: c.config.Group, Member: c.config.Member, Streams: c.config.Streams, Partitions: c.config.Partitions,
		Start: c.config.Start, End: c.config.End, Expired: c.config.Expired, External: c.config.Checkpointer != nil,
		Grace: c.config.Grace, Observe: c.observer.tell, Logger: c.observer.logger,
	}
}

func (c *ConsumerConfig) check(ctx context.Context, b Backend) error {
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if ctx == nil {
		errs = append(errs, errNilContext)
	}
	if b == nil {
		refuse("the backend is nil")
	}
	if len(c.Streams) == 0 {
		refuse("Streams is empty")
	}
	for name, list := range map[string][]string{"Streams": c.Streams, "Partitions": c.Partitions} {
		if slices.Contains(list, "") {
			refuse("%s has an empty name", name)
		}
		if sorted := slices.Sorted(slices.Values(list)); len(slices.Compact(sorted)) != len(list) {
			refuse("%s names something twice", name)
		}
	}
	if len(c.Partitions) > 0 && (len(c.Streams) > 1 || c.Group != "") {
		refuse("Partitions needs one stream and no group: a group shares all partitions")
	}
	for name, s := range map[string]Start{"Start": c.Start, "End": c.End} {
		if s.kind == StartAfter && len(c.Partitions) != 1 {
			refuse("%s is after a position: name the one partition that it belongs to", name)
		}
		if s.kind == StartSince && s.time.IsZero() {
			refuse("%s is since the zero time", name)
		}
	}
	if !slices.Contains([]string{"", ExpiredFail, ExpiredOldest, ExpiredLatest}, c.Expired) {
		refuse("Expired is %q; it can be %s, %s or %s", c.Expired, ExpiredFail, ExpiredOldest, ExpiredLatest)
	}
	if c.Grace < 0 || c.CheckpointEvery < 0 {
		refuse("Grace or CheckpointEvery is negative")
	}
	return errors.Join(errs...)
}

func (c *ConsumerConfig) setDefaults() {
	if c.Member == "" {
		c.Member = randomMember()
	}
	if c.Expired == "" {
		c.Expired = ExpiredFail
	}
	if c.Grace == 0 {
		c.Grace = 20 * time.Second // Kubernetes gives a pod 30 s
	}
	if c.CheckpointEvery == 0 {
		c.CheckpointEvery = time.Second
	}
}
