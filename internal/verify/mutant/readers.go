package mutant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/fault"
	"github.com/streamport-go/streamport/internal/verify/workload"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// claims makes a shim of what breaks each claim.
func claims(f func(c *claim, config stream.SourceConfig)) shim {
	return shim{claim: func(inner stream.Claim, config stream.SourceConfig) stream.Claim {
		c := &claim{Claim: inner}
		f(c, config)
		return c
	}}
}

// fetched breaks each fetch that has records: f changes them and says how many are left.
func fetched(f func(recs []stream.Record) int) shim {
	return claims(func(c *claim, _ stream.SourceConfig) {
		c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
			for {
				n, err := c.Claim.Fetch(ctx, into)
				if err != nil {
					return n, err
				}
				if n = f(into[:n]); n > 0 {
					return n, nil
				}
			}
		}
	})
}

// readers are mutants of consumers' backends.
func readers() []Mutant {
	return []Mutant{
		{Name: "a record is skipped", By: "C1", narrow: inOrder, shim: fetched(func(recs []stream.Record) int {
			n := 0
			for _, rec := range recs {
				if !some(&rec, 20) {
					recs[n] = rec
					n++
				}
			}
			return n
		})},
		{Name: "a record comes twice", By: "D1", narrow: inOrder, shim: fetched(func(recs []stream.Record) int {
			if n := len(recs); n > 1 {
				recs[n-1] = recs[n-2]
			}
			return len(recs)
		})},
		{Name: "two records change places", By: "C2", narrow: inOrder, shim: fetched(func(recs []stream.Record) int {
			if n := len(recs); n > 1 {
				recs[n-1], recs[n-2] = recs[n-2], recs[n-1]
			}
			return len(recs)
		})},
		{Name: "a hold begins at the latest record", By: "C3", narrow: inOrder, shim: dropFirst(func(h stream.Hold, _ stream.SourceConfig) bool {
			return !h.Saved.Position.IsZero()
		})},
		{Name: "a hold begins at the oldest record", By: "C4", narrow: backendKept, shim: rewind(func(h stream.Hold, _ stream.SourceConfig) bool {
			return !h.Saved.Position.IsZero()
		})},
		{Name: "a child begins at the latest record", By: "C3", Profile: memory.Kinesis, narrow: reshards, shim: dropFirst(
			func(h stream.Hold, _ stream.SourceConfig) bool {
				return len(h.Replaces) > 0 && h.Saved.Position.IsZero()
			})},
		{Name: "a hold without checkpoint begins at the latest record", By: "C3", narrow: latest, shim: dropFirst(
			func(h stream.Hold, _ stream.SourceConfig) bool { return h.Saved.Position.IsZero() })},
		{Name: "a group that begins at the end reads what is older", By: "C4", Profile: memory.Kinesis, narrow: latest, shim: rewind(
			func(h stream.Hold, c stream.SourceConfig) bool { return h.Saved.Position.IsZero() })},
		{Name: "the end of a partition comes early", By: "K6", Profile: memory.Kinesis, narrow: reshards, shim: earlyEnd()},
		{Name: "a parent is finished before its records are", By: "C6", Profile: memory.Kinesis, narrow: reshardsShuffled, shim: claims(
			func(c *claim, _ stream.SourceConfig) {
				c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
					n, err := c.Claim.Fetch(ctx, into)
					if errors.Is(err, io.EOF) && !isClosed(c.Claim.Hold().Asked) {
						_ = c.Claim.Release(ctx, true) // the mutant does not care
					}
					return n, err
				}
			})},
		{Name: "what was fetched ahead serves the next hold", By: "C4", narrow: backendKept, shim: stale()},
		{Name: "a gap is not told", By: "C7", narrow: trims, shim: shim{source: func(c *stream.SourceConfig) {
			tell := c.Observe
			c.Observe = func(e stream.Event) {
				if e.Kind != stream.EventGap {
					tell(e)
				}
			}
		}}},
		{Name: "a gap is told larger than it is", By: "C7", narrow: trims, shim: shim{source: func(c *stream.SourceConfig) {
			tell := c.Observe
			c.Observe = func(e stream.Event) {
				if e.Kind == stream.EventGap {
					major, sub, term := e.Oldest.Parts()
					for i := range major {
						if major[i] != 0 && i > 0 {
							major[i] += 5
							break
						}
					}
					e.Oldest = stream.MakePosition(major, sub, term)
				}
				tell(e)
			}
		}}},
		{Name: "a checkpoint is answered before it is saved, and lost", By: "K5", narrow: backendKept, shim: saved(
			func(c stream.Claim, ctx context.Context, to stream.Checkpoint) error {
				if odd(to.Position) {
					return nil
				}
				return c.Checkpoint(ctx, to)
			})},
		{Name: "a checkpoint goes back", By: "K5", narrow: backendKept, shim: claims(func(c *claim, _ stream.SourceConfig) {
			var last []stream.Checkpoint
			c.checkpoint = func(ctx context.Context, to stream.Checkpoint) error {
				err := c.Claim.Checkpoint(ctx, to)
				if last = append(last, to); err == nil && len(last) == 3 {
					err = c.Claim.Checkpoint(ctx, last[0])
				}
				return err
			}
		})},
		{Name: "a checkpoint in an aggregate passes all of it", By: "K5", narrow: backendKept, shim: claims(func(c *claim, _ stream.SourceConfig) {
			var mu sync.Mutex
			var last stream.Position
			c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
				n, err := c.Claim.Fetch(ctx, into)
				if n > 0 {
					mu.Lock()
					last = into[n-1].Position
					mu.Unlock()
				}
				return n, err
			}
			c.checkpoint = func(ctx context.Context, to stream.Checkpoint) error {
				mu.Lock()
				to.Position = last
				mu.Unlock()
				return c.Claim.Checkpoint(ctx, to)
			}
		})},
		{Name: "late checkpoints are taken", By: "K5", Profile: memory.Strict, narrow: zombies, config: unfenced(memory.Strict)},
		{Name: "an error of the backend's own comes out", By: "X1", shim: claims(func(c *claim, _ stream.SourceConfig) {
			calls := 0
			c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
				if calls++; calls == 3 {
					return 0, errors.New("boom")
				}
				return c.Claim.Fetch(ctx, into)
			}
		})},
		{Name: "reading hangs", By: "L1", shim: claims(func(c *claim, _ stream.SourceConfig) {
			calls := 0
			c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
				if calls++; calls > 2 {
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return c.Claim.Fetch(ctx, into)
			}
		})},
		{Name: "giving back ignores its time", By: "L3", shim: claims(func(c *claim, _ stream.SourceConfig) {
			c.release = func(ctx context.Context, finished bool) error {
				err := c.Claim.Release(ctx, finished)
				time.Sleep(5 * time.Second)
				return err
			}
		})},
		{Name: "a slow handler loses its partition", By: "D3", narrow: slow, shim: silent()},
		{Name: "a goroutine is left behind", By: "L4", shim: claims(func(c *claim, _ stream.SourceConfig) {
			c.release = func(ctx context.Context, finished bool) error {
				never := make(chan struct{})
				go func() { <-never }()
				return c.Claim.Release(ctx, finished)
			}
		})},
		{Name: "a chunk is lost at the seam", By: "K1", Profile: memory.Kafka, narrow: chunks, shim: claims(func(c *claim, _ stream.SourceConfig) {
			first := true
			c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
				n, err := c.Claim.Fetch(ctx, into)
				if n > 1 && first {
					first = false
					copy(into, into[1:n])
					n--
				}
				return n, err
			}
		})},
	}
}

// saved breaks Checkpoint.
func saved(f func(stream.Claim, context.Context, stream.Checkpoint) error) shim {
	return claims(func(c *claim, _ stream.SourceConfig) {
		c.checkpoint = func(ctx context.Context, to stream.Checkpoint) error { return f(c.Claim, ctx, to) }
	})
}

func odd(p stream.Position) bool {
	major, _, _ := p.Parts()
	return (major[0]+major[1]+major[2])%2 == 1
}

// dropFirst passes over what a hold finds at first.
func dropFirst(when func(stream.Hold, stream.SourceConfig) bool) shim {
	return claims(func(c *claim, config stream.SourceConfig) {
		first := when(c.Claim.Hold(), config)
		c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
			for {
				n, err := c.Claim.Fetch(ctx, into)
				if n == 0 || !first {
					return n, err
				}
				first = false
			}
		}
	})
}

// rewind begins holds at the beginning.
func rewind(when func(stream.Hold, stream.SourceConfig) bool) shim {
	return shim{claim: func(inner stream.Claim, config stream.SourceConfig) stream.Claim {
		if when(inner.Hold(), config) {
			_ = inner.Seek(context.Background(), stream.Position{}) // the claim may be lost by now
		}
		return inner
	}}
}

// earlyEnd leaves out the last records of a partition that is complete.
func earlyEnd() shim {
	return claims(func(c *claim, _ stream.SourceConfig) {
		var kept []stream.Record
		c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
			if len(kept) > 0 {
				soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				n, err := c.Claim.Fetch(soon, into[:max(1, len(into)-1)])
				switch {
				case errors.Is(err, io.EOF):
					return 0, err // kept is forgotten
				case err != nil && ctx.Err() != nil:
					return 0, err
				}
				n = copy(into, append(kept, into[:n]...))
				kept = nil
				return n, nil
			}
			n, err := c.Claim.Fetch(ctx, into)
			if n > 1 {
				kept = append(kept, into[n-1])
				n--
			}
			return n, err
		}
	})
}

// stale gives a hold what the one before it had fetched and not delivered.
func stale() shim {
	var mu sync.Mutex
	ahead := map[string][]stream.Record{}
	return claims(func(c *claim, config stream.SourceConfig) {
		h := c.Claim.Hold()
		key := config.Member + "/" + h.Partition
		first := true
		c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
			mu.Lock()
			left := ahead[key]
			delete(ahead, key)
			mu.Unlock()
			if first && len(left) > 0 {
				first = false
				return copy(into, left), nil
			}
			first = false
			n, err := c.Claim.Fetch(ctx, into)
			if n > 0 {
				mu.Lock()
				ahead[key] = append([]stream.Record(nil), into[:n]...)
				mu.Unlock()
			}
			return n, err
		}
	})
}

// silent is a service that hears of a member only when it fetches or saves.
func silent() shim {
	return claims(func(c *claim, _ stream.SourceConfig) {
		lost := make(chan struct{})
		dead := time.AfterFunc(2*mem.Session, func() { close(lost) })
		c.hold = func(h stream.Hold) stream.Hold { h.Lost = lost; return h }
		c.fetch = func(ctx context.Context, into []stream.Record) (int, error) {
			dead.Stop() // whoever waits is heard of
			n, err := c.Claim.Fetch(ctx, into)
			if !isClosed(lost) {
				dead.Reset(2 * mem.Session)
			}
			return n, err
		}
		c.release = func(ctx context.Context, finished bool) error {
			dead.Stop()
			return c.Claim.Release(ctx, finished)
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// unfenced is a service that takes the checkpoints of those who have lost the partition, and says that it does not.
func unfenced(p memory.Profile) func(*memory.Config) {
	return func(c *memory.Config) {
		b, err := memory.Open(context.Background(), memory.Config{Profile: p, Streams: []stream.StreamConfig{{Name: "s"}}})
		if err != nil {
			panic(fmt.Sprintf("the profile does not open: %v", err))
		}
		like, err := b.Capabilities(context.Background(), "s")
		if err != nil {
			panic(fmt.Sprintf("the profile has no capabilities: %v", err))
		}
		_ = b.Close() // an empty service closes without error
		like.Fencing.Support = stream.None
		c.Like = &like
	}
}

// What mutants need of a plan.

func inOrder(p *workload.Plan) {
	if p.Policy == workload.ByKey {
		p.Policy = workload.PerRecord
	}
	p.Chunked = false
}

func backendKept(p *workload.Plan) { inOrder(p); p.External = false }

func latest(p *workload.Plan) { backendKept(p); p.Latest = true }

func with(p *workload.Plan, steps ...fault.Step) {
	for i := range steps {
		steps[i].At = time.Duration(10+20*i) * time.Millisecond
	}
	p.Script = append(steps, p.Script...)
}

func reshards(p *workload.Plan) {
	inOrder(p)
	with(p, fault.Step{Kind: fault.Split, Arg: 1}, fault.Step{Kind: fault.Split}, fault.Step{Kind: fault.Merge})
}

func reshardsShuffled(p *workload.Plan) { reshards(p); p.Policy = workload.Shuffled }

func trims(p *workload.Plan) {
	inOrder(p)
	with(p, fault.Step{Kind: fault.Trim, Target: "all"}, fault.Step{Kind: fault.Pause, Target: "90ms"}, fault.Step{Kind: fault.Trim, Target: "all", Arg: 1},
		fault.Step{Kind: fault.Trim, Target: "all"}, fault.Step{Kind: fault.Trim, Target: "all", Arg: 2})
}

func zombies(p *workload.Plan) {
	backendKept(p)
	p.Policy = workload.PerRecord
	with(p, fault.Step{Kind: fault.Pause, Target: "150ms"}, fault.Step{Kind: fault.Pause, Target: "300ms", Arg: 1})
}

func slow(p *workload.Plan) {
	backendKept(p)
	p.Policy, p.Script, p.Misbehave, p.Slow, p.Latest = workload.Shuffled, nil, false, true, false
}

func chunks(p *workload.Plan) { inOrder(p); p.Chunked, p.External = true, false }
