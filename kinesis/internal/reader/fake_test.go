package reader_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/kinesis/internal/reader"
	"github.com/streamport-go/streamport/stream"
)

// A bench is a stream in the fake, and the service that is under the readers in production.
type bench struct {
	*testing.T
	fake    *fakekinesis.Server
	service *awskinesis.Service
	stored  map[string][]string // numbers by shard
}

const orders = "orders"

// on runs a test in a bubble, on a stream with so many shards.
func on(t *testing.T, seed uint64, binary bool, shards int, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, fake: fakekinesis.New(fakekinesis.Config{Seed: seed, Limits: true}), stored: map[string][]string{}}
		b.service = awskinesis.New(awskinesis.Config{
			AWS: aws.Config{
				Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
			},
			HTTP: b.fake.RoundTripper(), CBOR: binary,
		})
		require.NoError(t, b.service.Create(t.Context(), api.Creation{Name: orders, Shards: shards}))
		time.Sleep(time.Second)
		test(b)
	})
}

// put stores so many records.
func (b *bench) put(count int) {
	for i := range count {
		r, err := b.service.PutRecord(b.Context(), orders, api.Entry{Key: fmt.Sprint("key-", i), Data: make([]byte, 100)}, "")
		require.NoError(b, err)
		b.stored[r.Shard] = append(b.stored[r.Shard], r.Sequence)
		time.Sleep(2 * time.Millisecond)
	}
}

// split makes two shards of one.
func (b *bench) split(shard string) {
	half := "170141183460469231731687303715884105728"
	_, err := b.service.Client().SplitShard(b.Context(), &kinesis.SplitShardInput{
		StreamName: aws.String(orders), ShardToSplit: &shard, NewStartingHashKey: &half,
	})
	require.NoError(b, err)
	time.Sleep(time.Second)
}

// consumer is registered and active.
func (b *bench) consumer() *reader.Consumer {
	c, err := reader.Register(b.Context(), reader.Registration{Service: b.service, Stream: orders, Name: "us"})
	require.NoError(b, err)
	return c
}

func (b *bench) config(shard string, dice *rand.Rand) reader.Config {
	return reader.Config{
		Service: b.service, Stream: orders, Shard: shard, From: oldest,
		Jitter: func(d time.Duration) time.Duration { return d/2 + time.Duration(dice.Int64N(int64(d/2)+1)) },
	}
}

// drain reads a shard to its end and returns the numbers of its records and the children. Errors that last are waited out.
func (b *bench) drain(r reader.Reader, dice *rand.Rand) (all []string, children int) {
	for errs := 0; ; {
		ctx, cancel := context.WithTimeout(b.Context(), time.Duration(1+dice.IntN(60_000))*time.Millisecond)
		page, err := r.Next(ctx)
		cancel()
		switch {
		case errors.Is(err, io.EOF):
			return all, children
		case errors.Is(err, context.DeadlineExceeded):
			continue
		case err != nil:
			errs++
			require.Less(b, errs, 50, err)
			continue
		}
		all = append(all, numbers(page)...)
		children += len(page.Children)
		if dice.IntN(50) == 0 {
			time.Sleep(6 * time.Minute) // the iterator, or the subscription, is over
		}
	}
}

// faults may happen to any call of a reader.
func faults(codes ...string) []fakekinesis.Fault {
	var all []fakekinesis.Fault
	for _, op := range []string{"GetRecords", "GetShardIterator", "SubscribeToShard", "DescribeStreamConsumer"} {
		for _, kind := range []fakekinesis.Kind{fakekinesis.Reset, fakekinesis.Lose, fakekinesis.RefuseAfter} {
			all = append(all, fakekinesis.Fault{Op: op, Chance: 0.05, Kind: kind})
		}
		for _, code := range codes {
			all = append(all, fakekinesis.Fault{Op: op, Chance: 0.03, Kind: fakekinesis.Refuse, Code: code})
		}
	}
	return append(all,
		fakekinesis.Fault{Op: "GetRecords", Chance: 0.1, Kind: fakekinesis.Empty},
		fakekinesis.Fault{Op: "GetRecords", Chance: 0.05, Kind: fakekinesis.Refuse, Code: api.OldIterator},
		fakekinesis.Fault{Op: "SubscribeToShard", Chance: 0.2, Kind: fakekinesis.Cut, Events: 1},
		fakekinesis.Fault{Op: "SubscribeToShard", Chance: 0.1, Kind: fakekinesis.Cut},
		fakekinesis.Fault{Op: "SubscribeToShard", Chance: 0.1, Kind: fakekinesis.Stall, Events: 2},
		fakekinesis.Fault{Op: "SubscribeToShard", Chance: 0.1, Kind: fakekinesis.Throw, Events: 1, Code: api.InUse},
		fakekinesis.Fault{Op: "SubscribeToShard", Chance: 0.1, Kind: fakekinesis.Throw, Code: "InternalFailureException"},
	)
}

// Whatever passes, each record comes once, in order, and the end comes last, with the children.
func TestEveryRecordComesOnceWhateverHappens(t *testing.T) {
	for name, open := range map[string]func(reader.Config) reader.Reader{
		"polled": func(c reader.Config) reader.Reader { return reader.Poll(c) },
		"pushed": func(c reader.Config) reader.Reader { return reader.Subscribe(c) },
	} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				on(t, seed, seed%2 == 1, 1, func(b *bench) {
					dice := rand.New(rand.NewPCG(seed, 1))
					b.put(300)
					c := b.config("shardId-000000000000", dice)
					c.Consumer = b.consumer()
					c.Room = func() int64 { return int64(dice.IntN(20_000)) }
					r := open(c)
					b.fake.Script().Add(faults(api.Throughput, api.LimitExceeded, api.InUse, "InternalFailure")...)
					var later sync.WaitGroup
					later.Go(func() {
						time.Sleep(time.Duration(seed%3) * 10 * time.Minute)
						b.split(c.Shard)
					})
					all, children := b.drain(r, dice)
					later.Wait()
					require.NoError(b, r.Close())
					require.Equal(b, b.stored[c.Shard], all)
					require.Equal(b, 2, children)
				})
			})
		}
	}
}

func TestNewRecordsArePushed(t *testing.T) {
	on(t, 1, false, 1, func(b *bench) {
		c := b.config("shardId-000000000000", rand.New(rand.NewPCG(1, 1)))
		c.Consumer = b.consumer()
		r := reader.Subscribe(c)
		defer r.Close()
		var all []string
		for range 30 {
			b.put(5)
			for len(all) < len(b.stored[c.Shard]) {
				page, err := r.Next(b.Context())
				require.NoError(b, err)
				all = append(all, numbers(page)...)
			}
			time.Sleep(time.Minute)
		}
		require.Equal(b, b.stored[c.Shard], all)
		require.Equal(b, 6, b.fake.Ops()["SubscribeToShard"], "one for each five minutes")
		require.Zero(b, b.fake.Ops()["GetRecords"])
	})
}

// The fake, as the service, ends the subscription of whoever was there before.
func TestLaterReaderTakesOver(t *testing.T) {
	on(t, 1, false, 1, func(b *bench) {
		dice := rand.New(rand.NewPCG(1, 1))
		c := b.config("shardId-000000000000", dice)
		c.Consumer = b.consumer()
		b.put(5)
		lost := false
		c.Verify = func(context.Context) error {
			lost = true
			return stream.ErrLost
		}
		first := reader.Subscribe(c)
		defer first.Close()
		_, err := first.Next(b.Context())
		require.NoError(b, err)
		time.Sleep(10 * time.Second)
		c.Verify = nil
		second := reader.Subscribe(c)
		defer second.Close()
		page, err := second.Next(b.Context())
		require.NoError(b, err)
		require.Len(b, page.Records, 5)
		for err == nil {
			_, err = first.Next(b.Context())
		}
		require.ErrorIs(b, err, stream.ErrLost)
		require.True(b, lost)
	})
}

// Readers of many shards share a service, a client and a consumer, and nothing else.
func TestManyShardsAreReadAtOnce(t *testing.T) {
	on(t, 1, true, 16, func(b *bench) {
		b.put(400)
		consumer := b.consumer()
		var all sync.WaitGroup
		for shard, want := range b.stored {
			for seed, open := range []func(reader.Config) reader.Reader{
				func(c reader.Config) reader.Reader { return reader.Poll(c) },
				func(c reader.Config) reader.Reader { return reader.Subscribe(c) },
			} {
				all.Go(func() {
					c := b.config(shard, rand.New(rand.NewPCG(1, uint64(seed))))
					c.Consumer = consumer
					r := open(c)
					defer r.Close()
					var got []string
					for len(got) < len(want) {
						page, err := r.Next(b.Context())
						if err != nil {
							b.Error(err)
							return
						}
						got = append(got, numbers(page)...)
					}
					if fmt.Sprint(got) != fmt.Sprint(want) {
						b.Errorf("shard %s: %v, want %v", shard, got, want)
					}
				})
			}
		}
		all.Wait()
	})
}

func TestRecordsAreReadFromATime(t *testing.T) {
	on(t, 1, false, 1, func(b *bench) {
		b.put(5)
		time.Sleep(time.Minute)
		from := time.Now()
		b.put(5)
		c := b.config("shardId-000000000000", rand.New(rand.NewPCG(1, 1)))
		c.Consumer = b.consumer()
		c.From = api.From{Kind: api.AtTime, Time: from}
		for _, r := range []reader.Reader{reader.Poll(c), reader.Subscribe(c)} {
			page, err := r.Next(b.Context())
			require.NoError(b, err)
			require.Equal(b, b.stored[c.Shard][5:], numbers(page))
			require.NoError(b, r.Close())
		}
	})
}
