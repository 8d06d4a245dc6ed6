package fakekinesis_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// Each kind of fault answers, and does or does not do, what it says.
func TestFaultsAnswerAndDoWhatTheySay(t *testing.T) {
	reset := syscall.ECONNRESET.Error()
	for _, c := range []struct {
		fault  fakekinesis.Fault
		code   string
		stored int
	}{
		{fakekinesis.Fault{Kind: fakekinesis.Refuse}, "InternalFailure", 0},
		{fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: "AccessDeniedException"}, "AccessDeniedException", 0},
		{fakekinesis.Fault{Kind: fakekinesis.RefuseAfter, Code: "ServiceUnavailable"}, "ServiceUnavailable", 1},
		{fakekinesis.Fault{Kind: fakekinesis.Expired}, "ExpiredTokenException", 0},
		{fakekinesis.Fault{Kind: fakekinesis.Reset}, reset, 0},
		{fakekinesis.Fault{Kind: fakekinesis.Lose}, reset, 1},
		{fakekinesis.Fault{Kind: fakekinesis.Late, Delay: time.Second}, reset, 0},
		{fakekinesis.Fault{Kind: fakekinesis.Delay, Delay: time.Second}, "", 1},
		{fakekinesis.Fault{Kind: fakekinesis.Slow, Delay: time.Second}, "", 1},
		{fakekinesis.Fault{Kind: fakekinesis.FailEntries}, "ProvisionedThroughputExceededException", 0},
		{fakekinesis.Fault{Kind: fakekinesis.Reset, Op: "GetRecords"}, "", 1},
		{fakekinesis.Fault{Kind: fakekinesis.Reset, Resource: "other"}, "", 1},
		{fakekinesis.Fault{Kind: fakekinesis.Reset, Nth: 2}, "", 1},
	} {
		run(t, fakekinesis.Config{}, 1, func(b *bench) {
			b.srv.Script().Add(c.fault)
			begun := time.Now()
			_, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: ptr(name), PartitionKey: ptr("k"), Data: []byte("v")})
			if c.code == reset {
				require.ErrorIs(b, err, syscall.ECONNRESET, c.fault)
			} else {
				require.Equal(b, c.code, code(err), c.fault)
			}
			waits := c.fault.Kind == fakekinesis.Delay || c.fault.Kind == fakekinesis.Slow
			require.Equal(b, waits, time.Since(begun) == time.Second)
			stored, err := b.srv.Records(name, first)
			require.NoError(b, err)
			require.Len(b, stored, c.stored, c.fault)
			if waits {
				require.Equal(b, c.fault.Kind == fakekinesis.Slow, stored[0].Arrival.Equal(begun), "before or after the wait")
			}
			missed := c.fault.Op != "" || c.fault.Resource != "" || c.fault.Nth > 1
			require.Equal(b, missed, len(b.srv.Script().Unfired()) == 1)

			time.Sleep(2 * time.Second)
			stored, err = b.srv.Records(name, first)
			require.NoError(b, err)
			require.Equal(b, c.fault.Kind == fakekinesis.Late, len(stored) > c.stored, "a late call is done in the end")
		})
	}
}

// Faults by chance are the same for the same seed.
func TestFaultsByChanceFollowTheSeed(t *testing.T) {
	failures := func(seed uint64) (pattern []bool) {
		run(t, fakekinesis.Config{Seed: seed}, 1, func(b *bench) {
			b.srv.Script().Add(fakekinesis.Fault{Op: "PutRecord", Kind: fakekinesis.Lose, Chance: 0.3})
			for range 100 {
				_, err := b.client.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: ptr(name), PartitionKey: ptr("k"), Data: []byte("v")})
				pattern = append(pattern, err != nil)
			}
			n := b.srv.Script().Fired()[fakekinesis.Lose]
			require.InDelta(b, 30, n, 15)
		})
		return pattern
	}
	require.Equal(t, failures(1), failures(1))
	require.NotEqual(t, failures(1), failures(2))
}

// A pause holds one call until the test resumes it; a caller that goes away has its call done all the same.
func TestPauseHoldsTheNextCall(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		pause := b.srv.Script().PauseNext("PutRecord", "")
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.put("k", "held")
		}()
		<-pause.Reached()
		b.put("k", "other")
		synctest.Wait()
		select {
		case <-done:
			t.Error("the call is not held")
		default:
		}
		pause.Resume()
		<-done

		b.srv.Script().PauseNext("PutRecord", "")
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		_, err := b.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: ptr(name), PartitionKey: ptr("k"), Data: []byte("late")})
		require.ErrorIs(b, err, context.DeadlineExceeded)
		data, _ := b.read(first)
		require.Equal(b, []string{"other", "held", "late"}, data)
		require.Equal(b, 3, b.srv.Ops()["PutRecord"])
	})
}

// A subscription is cut in the middle of a frame, falls silent, or ends with an exception.
func TestSubscriptionsBreakAsScripted(t *testing.T) {
	for _, c := range []struct {
		fault fakekinesis.Fault
		code  string
		lasts time.Duration
	}{
		{fakekinesis.Fault{Kind: fakekinesis.Cut, Events: 1}, "", 5 * time.Second},
		{fakekinesis.Fault{Kind: fakekinesis.Stall, Events: 1}, "", 5 * time.Minute},
		{fakekinesis.Fault{Kind: fakekinesis.Throw, Events: 1, Code: "InternalFailureException"}, "InternalFailureException", 0},
		{fakekinesis.Fault{Kind: fakekinesis.Throw, Events: 1, Code: "KMSThrottlingException"}, "KMSThrottlingException", 0},
	} {
		run(t, fakekinesis.Config{}, 1, func(b *bench) {
			b.put("k", "v")
			arn := b.register("reader")
			c.fault.Op, c.fault.Item = "SubscribeToShard", first
			b.srv.Script().Add(c.fault)
			s, err := b.subscribe(arn, first, oldest)
			require.NoError(b, err)
			begun := time.Now()
			require.Len(b, event(s).Records, 1)
			require.Nil(b, event(s))
			require.Equal(b, c.lasts, time.Since(begun))
			require.Equal(b, c.code, code(s.Err()))
			require.Empty(b, b.srv.Script().Unfired())
		})
	}
}

// A stream that is deleted ends all that is open on it.
func TestDroppingAStreamEndsItsSubscriptions(t *testing.T) {
	run(t, fakekinesis.Config{}, 1, func(b *bench) {
		s, err := b.subscribe(b.register("reader"), first, oldest)
		require.NoError(b, err)
		it := b.iterator(first, "LATEST", "")
		require.NoError(b, b.srv.Drop(name))
		for event(s) != nil {
		}
		require.Equal(b, "ResourceNotFoundException", code(s.Err()))
		require.NoError(b, b.srv.Create(name, 1))
		_, err = b.client.GetRecords(b.ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		require.Equal(b, "ResourceNotFoundException", code(err), "another stream of the same name")
	})
}
