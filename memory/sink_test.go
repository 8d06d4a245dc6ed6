package memory_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func TestKafkaKeepsEveryByte(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		at := time.Now().Add(-time.Hour).Add(123_456_789 * time.Nanosecond)
		in := []*stream.Record{
			{Stream: "s", Value: []byte("no key")},
			{Stream: "s", Key: []byte{}, Value: []byte{}},
			{Stream: "s", Key: []byte("\xff\xfe\x00\n"), Value: nil},
			{Stream: "s", Key: []byte("k"), Value: []byte("v"), Time: at, Headers: []stream.Header{
				{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}, {Key: "b", Value: []byte("2")}}},
		}
		acks := sendAll(t, b, in...)
		out := b.Records("s")
		require.Len(t, out, len(in))
		for i, r := range out {
			require.Equal(t, in[i].Key, r.Key)
			require.Equal(t, in[i].Value, r.Value)
			require.Equal(t, in[i].Headers, r.Headers)
			require.Equal(t, "0", r.Partition)
			require.Equal(t, acks[i].Position, r.Position)
			require.Equal(t, fmt.Sprint(i+1), r.Position.String(), "offset plus one")
		}
		require.Equal(t, at.Truncate(time.Millisecond).UTC(), out[3].Time)
		require.Equal(t, time.Now().UTC(), out[0].Time)
	})
}

func TestRefusesWhatTheServiceDoesNotTake(t *testing.T) {
	headers := []stream.Header{{Key: "a"}}
	long := strings.Repeat("é", 257)
	for _, c := range []struct {
		name   string
		config memory.Config
		rec    stream.Record
		want   error
	}{
		{"row 16: empty key on Kinesis", kinesis(), stream.Record{Key: []byte{}, Value: []byte("v")}, stream.ErrUnsupported},
		{"row 16: no key on Kinesis", kinesis(), stream.Record{Value: []byte("v")}, stream.ErrUnsupported},
		{"row 17: key of 256 characters", kinesis(), stream.Record{Key: []byte(long[2:]), Value: []byte("v")}, nil},
		{"row 17: key of 257 characters", kinesis(), stream.Record{Key: []byte(long), Value: []byte("v")}, stream.ErrTooLarge},
		{"row 18: key that is no UTF-8", kinesis(), stream.Record{Key: []byte("\xff"), Value: []byte("v")}, stream.ErrUnsupported},
		{"row 18: any key with tags", tagged(), stream.Record{Key: []byte("\xff"), Value: []byte("v")}, nil},
		{"row 19: key with control characters", kinesis(), stream.Record{Key: []byte("\x00\n\u2028"), Value: []byte("v")}, nil},
		{"row 21: tombstone on Kinesis", kinesis(), stream.Record{Key: []byte("k")}, stream.ErrUnsupported},
		{"row 21: tombstone on Strict", memory.Config{}, stream.Record{Key: []byte("k")}, stream.ErrUnsupported},
		{"row 21: tombstone with tags", tagged(), stream.Record{Key: []byte("k")}, nil},
		{"row 22: empty value on Kinesis", kinesis(), stream.Record{Key: []byte("k"), Value: []byte{}}, nil},
		{"row 23: headers on Kinesis", kinesis(), stream.Record{Key: []byte("k"), Value: []byte("v"), Headers: headers}, stream.ErrUnsupported},
		{"row 23: headers on Strict", memory.Config{}, stream.Record{Key: []byte("k"), Value: []byte("v"), Headers: headers}, stream.ErrUnsupported},
		{"row 26: event time on Strict", memory.Config{}, stream.Record{Key: []byte("k"), Value: []byte("v"), Time: time.Unix(1, 0)}, stream.ErrUnsupported},
		{"row 26: event time far ahead on Kafka", kafka(), stream.Record{Value: []byte("v"), Time: time.Now().Add(48 * 365 * 24 * time.Hour)}, stream.ErrInvalid},
		{"unknown stream", kafka(), stream.Record{Stream: "other", Value: []byte("v")}, stream.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.config, func(t *testing.T, b *memory.Backend) {
				r := c.rec
				if r.Stream == "" {
					r.Stream = "s"
				}
				a := send(t, openSink(t, b), &r, rec("other", "goes on"))
				require.NoError(t, a[1].err, "others of the call go on")
				if c.want == nil {
					require.NoError(t, a[0].err)
					require.Len(t, b.Records("s"), 2)
					return
				}
				require.ErrorIs(t, a[0].err, c.want)
				require.Len(t, b.Records("s"), 1)
			})
		})
	}
}

func tagged() memory.Config { return memory.Config{Profile: memory.Kinesis, Tags: true} }

func TestRow12NilRecordIsRefused(t *testing.T) {
	bubble(t, memory.Config{}, func(t *testing.T, b *memory.Backend) {
		s := openSink(t, b)
		var errs []error
		s.Append(t.Context(), []*stream.Record{nil, rec("k", "v")}, func(_ stream.Ack, err error) { errs = append(errs, err) })
		require.Len(t, errs, 2)
		require.ErrorIs(t, errs[0], stream.ErrInvalid)
		require.NoError(t, errs[1])
		s.Append(t.Context(), nil, func(stream.Ack, error) { t.Error("done for no record") })
	})
}

// TestRow15LimitAndLimitPlusOne finds for each profile the largest record that is taken, which Capabilities names.
func TestRow15LimitAndLimitPlusOne(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			bubble(t, memory.Config{Profile: p}, func(t *testing.T, b *memory.Backend) {
				caps, err := b.Capabilities(t.Context(), "s")
				require.NoError(t, err)
				most := int(caps.MaxRecordBytes.Value)
				overhead := 1 // of the key
				if p != memory.Kinesis {
					// 61 bytes of batch, 3 and 3 of lengths, 1 of key length, attributes and two deltas, no headers
					overhead = 61 + 3 + 3 + 1 + 3 + 1 + 1
				}
				fits := &stream.Record{Stream: "s", Key: []byte("k"), Value: make([]byte, most-overhead)}
				over := &stream.Record{Stream: "s", Key: []byte("k"), Value: make([]byte, most-overhead+1)}
				a := send(t, openSink(t, b), over, fits)
				require.ErrorIs(t, a[0].err, stream.ErrTooLarge)
				require.NoError(t, a[1].err)
			})
		})
	}
}

func TestSmallSlabsAndLargeRecordsReadBack(t *testing.T) {
	bubble(t, one(kafka()), func(t *testing.T, b *memory.Backend) {
		var want []string
		var recs []*stream.Record
		for i := range 3000 {
			v := strings.Repeat(fmt.Sprint(i%10), i*37%1500)
			if i%500 == 0 {
				v = strings.Repeat("x", 700_000)
			}
			want = append(want, v)
			recs = append(recs, rec("k", v))
		}
		sendAll(t, b, recs...)
		require.Equal(t, want, values(b.Records("s")))
	})
}

func TestKinesisThrottlesAndRetriesInKeyOrder(t *testing.T) {
	bubble(t, one(kinesis()), func(t *testing.T, b *memory.Backend) {
		var throttled atomic.Int64
		c := sinkConfig()
		c.Observe = func(e stream.Event) {
			if e.Kind == stream.EventThrottled {
				throttled.Add(1)
			}
		}
		s, err := b.OpenSink(t.Context(), c)
		require.NoError(t, err)
		begin := time.Now()
		var recs []*stream.Record
		for i := range 3000 {
			recs = append(recs, rec(fmt.Sprint("k", i%1500), fmt.Sprint(i)))
		}
		for _, a := range send(t, s, recs...) {
			require.NoError(t, a.err)
		}
		require.InDelta(t, 2, time.Since(begin).Seconds(), 1.5, "1,000 at once, then 1,000 a second")
		require.Positive(t, throttled.Load())
		last := map[string]int{}
		for _, r := range b.Records("s") {
			var n int
			_, _ = fmt.Sscan(string(r.Value), &n)
			require.GreaterOrEqual(t, n, last[string(r.Key)])
			last[string(r.Key)] = n
		}
	})
}

func TestThrottlingBeyondTheDeliveryTimeout(t *testing.T) {
	bubble(t, one(kinesis()), func(t *testing.T, b *memory.Backend) {
		c := sinkConfig()
		c.DeliveryTimeout = 500 * time.Millisecond
		s, err := b.OpenSink(t.Context(), c)
		require.NoError(t, err)
		var recs []*stream.Record
		for i := range 3000 {
			recs = append(recs, rec(fmt.Sprint(i), "v"))
		}
		failed := 0
		for _, a := range send(t, s, recs...) {
			if a.err != nil {
				require.ErrorIs(t, a.err, stream.ErrThrottled)
				require.NotErrorIs(t, a.err, stream.ErrUnknownOutcome)
				failed++
			}
		}
		require.Len(t, b.Records("s"), 3000-failed)
		require.Positive(t, failed)
	})
}

func TestAutoDistributionTakesKeyOrderAway(t *testing.T) {
	bubble(t, kinesis(), func(t *testing.T, b *memory.Backend) {
		require.NoError(t, b.Distribute("s", true))
		caps, err := b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, stream.None, caps.KeyOrder.Support)
		for range 10 {
			sendAll(t, b, rec("k", "v"))
		}
		at := map[string]bool{}
		for _, r := range b.Records("s") {
			at[r.Partition] = true
		}
		require.Len(t, at, 2, "keys place nothing")
		require.NoError(t, b.Distribute("s", false))
		caps, err = b.Capabilities(t.Context(), "s")
		require.NoError(t, err)
		require.Equal(t, stream.Emulated, caps.KeyOrder.Support)
	})
}

func TestAppendWaitsForBufferSpace(t *testing.T) {
	script := &memory.Script{}
	script.ApplyThen(memory.OpAppend, 1, memory.Outcome{Delay: time.Second})
	bubble(t, memory.Config{Script: script}, func(t *testing.T, b *memory.Backend) {
		c := sinkConfig()
		c.BufferedRecords = 1
		s, err := b.OpenSink(t.Context(), c)
		require.NoError(t, err)
		done := func(_ stream.Ack, err error) { require.NoError(t, err) }
		s.Append(t.Context(), []*stream.Record{rec("a", "1")}, done)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var got error
		s.Append(ctx, []*stream.Record{rec("b", "2")}, func(_ stream.Ack, err error) { got = err })
		require.ErrorIs(t, got, context.DeadlineExceeded)
		begin := time.Now()
		s.Append(t.Context(), []*stream.Record{rec("b", "3")}, done)
		require.Equal(t, 999*time.Millisecond, time.Since(begin))
		require.NoError(t, s.Close(t.Context()))
		require.Equal(t, 2, len(b.Records("s")))
	})
	script.Check(t)
}

func TestFollowersOfAFailedRecordFail(t *testing.T) {
	script := &memory.Script{}
	script.Fail(memory.OpAppend, 1, stream.ErrThrottled)
	script.Fail(memory.OpAppend, 3, stream.ErrUnauthorized) // 1: key k, 2: key j, 3: key k again
	bubble(t, one(memory.Config{Script: script}), func(t *testing.T, b *memory.Backend) {
		a := send(t, openSink(t, b), rec("k", "1"), rec("k", "2"), rec("j", "3"), rec("k", "4"))
		for _, i := range []int{0, 1, 3} {
			require.ErrorIs(t, a[i].err, stream.ErrUnauthorized, "record %d", i)
		}
		require.NoError(t, a[2].err)
		require.Equal(t, []string{"3"}, values(b.Records("s")))
	})
}

func TestLostAnswerDoublesWhereRetriesAreNotRecognised(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			script := &memory.Script{}
			script.ApplyThen(memory.OpAppend, 1, memory.Outcome{Lost: true})
			bubble(t, memory.Config{Profile: p, Script: script}, func(t *testing.T, b *memory.Backend) {
				a := send(t, openSink(t, b), rec("k", "v"))
				require.NoError(t, a[0].err)
				idempotent := p == memory.Kafka
				require.Equal(t, !idempotent, a[0].ack.Duplicate)
				if idempotent {
					require.Len(t, b.Records("s"), 1)
				} else {
					require.Len(t, b.Records("s"), 2)
				}
			})
			script.Check(t)
		})
	}
}

func TestStoredAndAnsweredByAnErrorIsUnknown(t *testing.T) {
	script := &memory.Script{}
	script.ApplyThen(memory.OpAppend, 1, memory.Outcome{Err: context.DeadlineExceeded})
	bubble(t, memory.Config{Script: script}, func(t *testing.T, b *memory.Backend) {
		a := send(t, openSink(t, b), rec("k", "v"))
		require.ErrorIs(t, a[0].err, stream.ErrUnknownOutcome)
		require.ErrorIs(t, a[0].err, context.DeadlineExceeded)
		require.Len(t, b.Records("s"), 1)
	})
}

func TestCloseFailsWhatItCannotWaitFor(t *testing.T) {
	script := &memory.Script{}
	for range 1000 {
		script.Fail(memory.OpAppend, 1, stream.ErrThrottled)
	}
	bubble(t, memory.Config{Script: script}, func(t *testing.T, b *memory.Backend) {
		s := openSink(t, b)
		var errs []error
		s.Append(t.Context(), []*stream.Record{rec("k", "1"), rec("k", "2")}, func(_ stream.Ack, err error) { errs = append(errs, err) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := s.Close(ctx)
		require.ErrorIs(t, first, context.DeadlineExceeded)
		require.Len(t, errs, 2, "every done has run")
		for _, err := range errs {
			require.ErrorIs(t, err, stream.ErrClosed)
		}
		require.Equal(t, first, s.Close(t.Context()), "a second Close returns what the first did")
		require.ErrorIs(t, s.Flush(t.Context()), stream.ErrClosed)
	})
}
