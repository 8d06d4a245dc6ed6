package streamtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

// eachRecord breaks the fetching of each record.
func eachRecord(f func(*stream.Record)) *mutant {
	return &mutant{fetch: func(recs []stream.Record) {
		for i := range recs {
			f(&recs[i])
		}
	}}
}

// claims breaks what capabilities say.
func claims(f func(*stream.Capabilities)) *mutant {
	return &mutant{capabilities: func(c *stream.Capabilities, err error) error { f(c); return err }}
}

// answers breaks the answers to records.
func answers(f func(done func(stream.Ack, error), ack stream.Ack, err error)) *mutant {
	return &mutant{append: func(next appendFunc) appendFunc {
		return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
			next(ctx, recs, func(ack stream.Ack, err error) { f(done, ack, err) })
		}
	}}
}

// before does something before each append.
func before(f func(recs []*stream.Record) []*stream.Record) *mutant {
	return &mutant{append: func(next appendFunc) appendFunc {
		return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
			next(ctx, f(recs), done)
		}
	}}
}

var yes = stream.Flag{Support: stream.Native, Source: stream.Declared, Reason: "the mutant says so"}
var no = stream.Flag{Support: stream.None, Source: stream.Declared, Reason: "the mutant says so"}

// mutants are broken backends, each with the rules that must find it out.
func mutants() map[string]struct {
	profile  memory.Profile
	mutant   func() *mutant
	killedBy []string
} {
	type entry = struct {
		profile  memory.Profile
		mutant   func() *mutant
		killedBy []string
	}
	kafka := func(f func() *mutant, killedBy ...string) entry { return entry{memory.Kafka, f, killedBy} }
	kinesis := func(f func() *mutant, killedBy ...string) entry { return entry{memory.Kinesis, f, killedBy} }
	return map[string]entry{
		"done runs twice": kafka(func() *mutant {
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) { done(ack, err); done(ack, err) })
		}, "DoneOnce", "AsyncOnce"),
		"done is lost": kafka(func() *mutant {
			var n atomic.Int64
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) {
				if n.Add(1)%10 != 0 {
					done(ack, err)
				}
			})
		}, "DoneOnce", "SinkFlush", "FlushAll"),
		"the Ack names no record": kafka(func() *mutant {
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) { ack.Record = nil; done(ack, err) })
		}, "DoneOnce", "SliceNotKept"),
		"the Ack tells the wrong position": kafka(func() *mutant {
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) {
				ack.Position = stream.MakePosition([3]uint64{0, 0, 99_999}, 0, 0)
				done(ack, err)
			})
		}, "Outcome", capability+"PartitionOrder"),
		"a failure is acknowledged": kafka(func() *mutant {
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) { done(ack, nil) })
		}, "Outcome", "SizeFirst", capability+"MaxRecordBytes", "BackendClose", "SinkClose"),
		"what is stored is said to have failed": kafka(func() *mutant {
			var n atomic.Int64
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) {
				if n.Add(1)%10 == 0 {
					err = stream.ErrThrottled
				}
				done(ack, err)
			})
		}, "Outcome", "SliceNotKept"),
		"records are stored twice": kafka(func() *mutant {
			return before(func(recs []*stream.Record) []*stream.Record { return append(recs, recs[0]) })
		}, "DoneOnce", "SendAll", capability+"IdempotentProduce"),
		"records of a call change places": kafka(func() *mutant {
			return before(func(recs []*stream.Record) []*stream.Record {
				recs = slices.Clone(recs)
				slices.Reverse(recs)
				return recs
			})
		}, "KeyOrder"),
		"a record overtakes the one before": kafka(func() *mutant {
			var late func()
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					if late == nil && string(recs[0].Key) == "k0" {
						late = func() { next(context.WithoutCancel(ctx), recs, done) }
						return
					}
					next(ctx, recs, done)
					if late != nil {
						late()
						late = nil
					}
				}
			}}
		}, "KeyOrder"),
		"the slice is kept": kafka(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					time.AfterFunc(time.Millisecond, func() { next(ctx, recs, done) })
				}
			}, flush: func(s stream.Sink) error { time.Sleep(time.Second); return s.Flush(context.Background()) }}
		}, "SliceNotKept"),
		"records are written to": kafka(func() *mutant {
			return before(func(recs []*stream.Record) []*stream.Record {
				for _, rec := range recs {
					rec.Partition = "0"
				}
				return recs
			})
		}, "SliceNotKept"),
		"a failure takes the others of its call along": kafka(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					for _, rec := range recs {
						if len(rec.Value) > 1<<20 {
							for _, rec := range recs {
								done(stream.Ack{Record: rec}, stream.ErrTooLarge)
							}
							return
						}
					}
					next(ctx, recs, done)
				}
			}}
		}, "SizeFirst", "SendAll"),
		"Flush does not wait": kafka(func() *mutant {
			m := answers(func(done func(stream.Ack, error), ack stream.Ack, err error) {
				time.AfterFunc(time.Second, func() { done(ack, err) })
			})
			return m
		}, "SinkFlush", "SinkClose", "FlushAll", "ProducerClose"),
		"Flush never returns": kafka(func() *mutant {
			return &mutant{flush: func(stream.Sink) error { blockForGood(); return nil }}
		}, "SinkFlush"),
		"a goroutine is left behind": kafka(func() *mutant {
			return &mutant{closeSink: func(s stream.Sink) error {
				go blockForGood()
				return s.Close(context.Background())
			}}
		}, "SinkClose", "DoneOnce"),
		"a closed sink takes records": kafka(func() *mutant {
			return &mutant{closeSink: func(s stream.Sink) error { return s.Flush(context.Background()) }}
		}, "SinkClose"),
		"a closed sink says something else": kafka(func() *mutant {
			return answers(func(done func(stream.Ack, error), ack stream.Ack, err error) {
				if errors.Is(err, stream.ErrClosed) {
					err = errors.New("gone")
				}
				done(ack, err)
			})
		}, "SinkClose", "BackendClose"),
		"a closed backend says something else": kafka(func() *mutant {
			return &mutant{next: func(_ context.Context, c stream.Claim, err error) (stream.Claim, error) {
				if errors.Is(err, stream.ErrClosed) {
					err = errors.New("gone")
				}
				return c, err
			}}
		}, "BackendClose"),
		"a closed backend keeps Next waiting": kafka(func() *mutant {
			return &mutant{next: func(ctx context.Context, c stream.Claim, err error) (stream.Claim, error) {
				if errors.Is(err, stream.ErrClosed) {
					<-ctx.Done()
					err = ctx.Err()
				}
				return c, err
			}}
		}, "BackendClose"),
		"a second Close fails": kafka(func() *mutant {
			return &mutant{close: func(b stream.Backend, calls int) error {
				if calls > 1 {
					return errors.New("closed already")
				}
				return b.Close()
			}}
		}, "BackendClose"),
		"an unknown stream has capabilities": kafka(func() *mutant {
			return &mutant{capabilities: func(*stream.Capabilities, error) error { return nil }}
		}, "CapabilitiesPerStream"),
		"capabilities are the brand's": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Partitions = 4; c.MaxRecordBytes.Value = 1 << 20 })
		}, "CapabilitiesPerStream", capability+"Partitions"),
		"every sink is a TxSink":    kafka(func() *mutant { return &mutant{asTx: true} }, "OpenedForMode"),
		"header order is lost":      kafka(func() *mutant { return eachRecord(sortHeaders) }, capability+"Headers"),
		"repeated headers are lost": kafka(func() *mutant { return eachRecord(compactHeaders) }, capability+"Headers"),
		"empty becomes nil": kafka(func() *mutant {
			return eachRecord(func(r *stream.Record) {
				if len(r.Value) == 0 {
					r.Value = nil
				}
			})
		}, capability+"Tombstones"),
		"empty becomes nil where nil is refused": kinesis(func() *mutant {
			return eachRecord(func(r *stream.Record) {
				if len(r.Value) == 0 {
					r.Value = nil
				}
			})
		}, capability+"Tombstones"),
		"nil becomes empty": kafka(func() *mutant {
			return eachRecord(func(r *stream.Record) { r.Value = append([]byte{}, r.Value...) })
		}, capability+"Tombstones"),
		"no key becomes an empty key": kafka(func() *mutant {
			return eachRecord(func(r *stream.Record) { r.Key = append([]byte{}, r.Key...) })
		}, capability+"NilKeys"),
		"keys become UTF-8": kafka(func() *mutant {
			return eachRecord(func(r *stream.Record) { r.Key = bytes.ToValidUTF8(r.Key, []byte("\ufffd")) })
		}, capability+"BinaryKeys"),
		"times are cut to seconds": kafka(func() *mutant {
			return eachRecord(func(r *stream.Record) { r.Time = r.Time.Truncate(time.Second) })
		}, capability+"EventTime"),
		"batches come backwards": kafka(func() *mutant {
			return &mutant{fetch: slices.Reverse[[]stream.Record]}
		}, "KeyOrder", capability+"PartitionOrder", capability+"KeyOrder"),
		"a record that found no space is stored": kinesis(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					next(context.WithoutCancel(ctx), recs, func(ack stream.Ack, err error) { done(ack, firstError(err, ctx.Err())) })
				}
			}}
		}, "AppendWaits"),
		"what is accepted ends with its context": kafka(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					next(ctx, recs, func(ack stream.Ack, err error) {
						time.AfterFunc(time.Millisecond, func() { done(ack, firstError(err, ctx.Err())) })
					})
				}
			}, flush: func(s stream.Sink) error { time.Sleep(time.Second); return s.Flush(context.Background()) }}
		}, "AsyncOnce", "AppendWaits"),
		"Begin waits although its context has ended": kafka(func() *mutant {
			return &mutant{begin: func(ctx context.Context, s stream.TxSink) (stream.SinkTx, error) {
				return s.Begin(context.WithoutCancel(ctx))
			}}
		}, "BeginWaits"),
		"a sink takes records of any stream": kafka(func() *mutant { return &mutant{unlisted: true} }, "Listed"),
		"a large call is refused": kafka(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					if len(recs) <= 100 {
						next(ctx, recs, done)
						return
					}
					for _, rec := range recs {
						done(stream.Ack{Record: rec}, stream.ErrThrottled)
					}
				}
			}}
		}, capability+"ThrottleReject", capability+"MaxRequestRecords", capability+"PartitionWriteBytes"),
		"many bytes are refused": kafka(func() *mutant {
			return &mutant{append: func(next appendFunc) appendFunc {
				return func(ctx context.Context, recs []*stream.Record, done func(stream.Ack, error)) {
					if len(recs) == 1 || len(recs[0].Value) < 1<<19 {
						next(ctx, recs, done)
						return
					}
					for _, rec := range recs {
						done(stream.Ack{Record: rec}, stream.ErrTooLarge)
					}
				}
			}}
		}, capability+"MaxRequestBytes"),
		"a rate is claimed and not kept": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) {
				c.ThrottleReject, c.PartitionWriteRecords.Value, c.PartitionWriteBytes.Value = yes, 1000, 1<<20
			})
		}, capability+"PartitionWriteRecords", capability+"PartitionWriteBytes"),
		"compaction is understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Compaction = no })
		}, capability+"Compaction"),
		"groups are understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Groups = no })
		}, capability+"Groups"),
		"checkpoints are not kept": kafka(func() *mutant {
			return &mutant{checkpoint: func(stream.Claim, stream.Checkpoint) error { return nil }}
		}, capability+"Groups", capability+"MaxStateBytes"),
		"no flag has a reason": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) {
				for _, f := range []*stream.Flag{&c.AutoScaling, &c.PushDelivery, &c.ThrottleDelay, &c.Durability} {
					f.Reason = ""
				}
			})
		}, capability+"AutoScaling", capability+"PushDelivery", capability+"ThrottleDelay", capability+"Durability"),
		"a stream is said to be made before it is": kafka(func() *mutant {
			return &mutant{ensure: func(b stream.Ensurer, c stream.StreamConfig) error {
				time.AfterFunc(time.Second, func() { _ = b.EnsureStream(context.Background(), c) })
				return nil
			}}
		}, "EnsureWaits"),
		"a commit that happened is denied": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, _ stream.Sink) stream.SinkTx { return denyingTx{tx} }}
		}, "TxUnknown", "TxCommit"),
		"a commit forgets the checkpoint": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, _ stream.Sink) stream.SinkTx { return forgetfulTx{tx} }}
		}, "TxCommit", "TxFenced", "TxForeign", "TxOnePartition"),
		"a transaction loses records": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, _ stream.Sink) stream.SinkTx { return losingTx{tx} }}
		}, "TxSend", "TxAppend"),
		"limit + 1 is accepted": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.MaxRecordBytes.Value -= 2 * overhead })
		}, capability+"MaxRecordBytes"),
		"the limit is refused": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.MaxRecordBytes.Value += 2 * overhead })
		}, capability+"MaxRecordBytes"),
		"the state's limit is overstated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.MaxStateBytes.Value++ })
		}, capability+"MaxStateBytes"),
		"a state over the limit is cut": kafka(func() *mutant {
			return &mutant{checkpoint: func(c stream.Claim, to stream.Checkpoint) error {
				to.State = to.State[:min(len(to.State), 3069)]
				return c.Checkpoint(context.Background(), to)
			}}
		}, capability+"MaxStateBytes"),
		"headers are overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Headers = yes })
		}, capability+"Headers"),
		"tombstones are overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Tombstones = yes })
		}, capability+"Tombstones"),
		"binary keys are overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.BinaryKeys = yes })
		}, capability+"BinaryKeys"),
		"nil keys are overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.NilKeys = yes })
		}, capability+"NilKeys"),
		"event time is overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.EventTime = yes })
		}, capability+"EventTime"),
		"transactions are overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Transactions = yes })
		}, capability+"Transactions", "OpenedForMode", "TxCommit", "TransactOnce"),
		"lag is overstated": kinesis(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.LagRecords = yes })
		}, capability+"LagRecords", "LagJoinsNothing"),
		"resharding is overstated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Resharding = yes })
		}, capability+"Resharding"),
		"retention is overstated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Retention.Current += time.Hour })
		}, capability+"Retention"),
		"a retention has an odd source": kinesis(func() *mutant {
			return &mutant{
				capabilities: func(c *stream.Capabilities, err error) error { c.Retention.Source = "guessed"; return err },
			}
		}, capability+"Retention"),
		"headers are understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Headers = no })
		}, capability+"Headers"),
		"binary keys are understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.BinaryKeys = no })
		}, capability+"BinaryKeys"),
		"transactions are understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.Transactions = no })
		}, capability+"Transactions", "OpenedForMode"),
		"seeking by time is understated": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.SeekTime = no })
		}, capability+"SeekTime"),
		"a flag has no reason": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.PartitionOrder.Reason = "" })
		}, capability+"PartitionOrder"),
		"a limit has an odd source": kafka(func() *mutant {
			return claims(func(c *stream.Capabilities) { c.PartitionReadBytes.Source = "hearsay" })
		}, capability+"PartitionReadBytes"),
		"a zombie moves the checkpoint": kafka(func() *mutant {
			return &mutant{checkpoint: func(c stream.Claim, to stream.Checkpoint) error {
				if err := c.Checkpoint(context.Background(), to); !errors.Is(err, stream.ErrLost) {
					return err
				}
				return nil
			}}
		}, capability+"Fencing"),
		"an aborted transaction is visible": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, s stream.Sink) stream.SinkTx { return leakyTx{tx, s} }}
		}, "TxAbort", "TxCommit", "TransactNothing", capability+"Transactions"),
		"a commit does nothing": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, _ stream.Sink) stream.SinkTx { return idleTx{tx} }}
		}, "TxCommit", "TxAppend", "TransactOnce"),
		"a fenced commit is accepted": kafka(func() *mutant {
			return &mutant{tx: func(tx stream.SinkTx, _ stream.Sink) stream.SinkTx { return laxTx{tx} }}
		}, "TxFenced", "TxForeign"),
		"streams that differ are taken": kafka(func() *mutant {
			return &mutant{ensure: func(b stream.Ensurer, c stream.StreamConfig) error {
				if err := b.EnsureStream(context.Background(), c); !errors.Is(err, stream.ErrInvalid) || strings.Trim(c.Name,
					". ") == "" {
					return err
				}
				return nil
			}}
		}, "EnsureIdempotent", "EnsureRefuses"),
		"streams are not what was asked": kafka(func() *mutant {
			return &mutant{ensure: func(b stream.Ensurer, c stream.StreamConfig) error {
				c.Retention = 0
				return b.EnsureStream(context.Background(), c)
			}}
		}, "EnsureRefuses"),
		"lag is 0 when nobody knows": kafka(func() *mutant {
			return &mutant{lag: func(lags []stream.Lag) {
				for i := range lags {
					lags[i].Records, lags[i].Millis = stream.Count{Known: true}, stream.Count{Known: true}
				}
			}}
		}, "LagJoinsNothing", capability+"LagRecords", capability+"LagTime"),
	}
}

// ruleOf finds a rule by its name.
func ruleOf(t *testing.T, name string) rule {
	t.Helper()
	i := slices.IndexFunc(rules(), func(r rule) bool { return r.name == name })
	require.GreaterOrEqual(t, i, 0, "no rule %s", name)
	return rules()[i]
}

func TestMutantsAreKilled(t *testing.T) {
	killed := 0
	for name, m := range mutants() {
		t.Run(name, func(t *testing.T) {
			for _, by := range m.killedBy {
				v := try(t, mutated(m.profile, m.mutant), true, ruleOf(t, by))
				require.NotEmpty(t, v.failures, "survived %s: %q", by, v.reasons)
				require.NotContains(t, v.failures[0], "panic: ")
				t.Logf("%s: %.200s", by, v.failures[0])
			}
			killed++
		})
	}
	t.Logf("mutants killed %d of %d", killed, len(mutants()))
}

func TestTheMutantsBackendItselfIsSound(t *testing.T) {
	for _, profile := range []memory.Profile{memory.Kafka, memory.Kinesis} {
		names := map[string]bool{}
		for _, m := range mutants() {
			for _, by := range m.killedBy {
				names[by] = names[by] || m.profile == profile
			}
		}
		for name := range names {
			v := try(t, mutated(profile, func() *mutant { return &mutant{} }), true, ruleOf(t, name))
			require.Empty(t, v.failures, name)
		}
	}
}

// What passes on the profile Strict passes on Kafka and Kinesis: it accepts nothing that one of them refuses.
func TestStrictNeverFlatters(t *testing.T) {
	sound := func() *mutant { return &mutant{} }
	ask := rule{name: Options, run: options}
	strict := try(t, mutated(memory.Strict, sound), true, ask).spoken()
	require.Greater(t, len(strict), 150, "few questions were asked")
	for _, profile := range []memory.Profile{memory.Kafka, memory.Kinesis} {
		service := try(t, mutated(profile, sound), true, ask).spoken()
		for question, answer := range strict {
			if answer == classOf(nil) {
				require.Equal(t, answer, service[question], "%s: %s", profile, question)
			}
		}
	}
}
