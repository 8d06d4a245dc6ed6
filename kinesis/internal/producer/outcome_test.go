package producer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// lostAnswer is a connection that broke.
func lostAnswer() error {
	return &api.Error{Op: "PutRecords", Unknown: true, Err: errors.New("connection reset")}
}

func TestRecordsThatFailAreSentAgainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(call int, _ []api.Entry) fault {
			if call == 1 {
				return fault{codes: map[int]string{1: api.Throughput, 3: api.Internal}}
			}
			return fault{}
		}
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		recs := []*stream.Record{record("a", "1"), record("b", "2"), record("c", "3"), record("d", "4"), record("b", "5")}
		r.Append(t.Context(), recs, r.done)
		r.settle()
		for _, rec := range recs {
			require.NoError(t, r.of(t, rec).err)
			require.False(t, r.of(t, rec).ack.Duplicate)
		}
		require.Equal(t, []string{"2", "5"}, r.values("b"))
		require.Len(t, f.log, len(recs))
	})
}

func TestWholeRequestThatFailedIsSentAgain(t *testing.T) {
	failures := map[string]fault{
		"all records, with 200": {all: api.Throughput},
		"throttled":             {before: &api.Error{Op: "PutRecords", Code: "ThrottlingException", Status: 400}},
		"KMS throttled":         {before: &api.Error{Op: "PutRecords", Code: api.KMSThrottling, Status: 400}},
		"not sent":              {before: &api.Error{Op: "PutRecords", Err: errors.New("no route")}},
		"stream is made":        {before: &api.Error{Op: "PutRecords", Code: api.InUse, Status: 400}},
	}
	for name, what := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				f.fault = func(call int, _ []api.Entry) fault {
					if call <= 3 {
						return what
					}
					return fault{}
				}
				r := open(t, f, someSettings(), someConfig())
				defer r.shutDown()
				recs := keyed("a", 3)
				r.send(recs...)
				r.settle()
				require.Equal(t, values(recs), r.values("a"))
				for _, rec := range recs {
					require.NoError(t, r.of(t, rec).err)
					require.False(t, r.of(t, rec).ack.Duplicate)
				}
			})
		})
	}
}

func TestLostAnswerIsADuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(call int, _ []api.Entry) fault {
			if call == 1 {
				return fault{later: lostAnswer()}
			}
			return fault{}
		}
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		recs := keyed("a", 2)
		r.send(recs...)
		r.settle()
		require.True(t, r.of(t, recs[0]).ack.Duplicate)
		require.False(t, r.of(t, recs[1]).ack.Duplicate)
		require.Equal(t, []string{"a/000", "a/000", "a/001"}, r.values("a"))
	})
}

func TestAnswerThatNeverComesIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(int, []api.Entry) fault { return fault{later: lostAnswer()} }
		c := someConfig()
		c.DeliveryTimeout = 3 * time.Second
		r := open(t, f, someSettings(), c)
		defer r.shutDown()
		recs, began := keyed("a", 3), time.Now()
		r.send(recs...)
		r.settle()
		require.ErrorIs(t, r.of(t, recs[0]).err, stream.ErrUnknownOutcome)
		for _, rec := range recs[1:] {
			err := r.of(t, rec).err
			require.Error(t, err)
			require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
		}
		require.Equal(t, recs, r.order)
		require.LessOrEqual(t, time.Since(began), c.DeliveryTimeout+10*time.Millisecond)
	})
}

func TestServiceThatHangsIsLeftAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(int, []api.Entry) fault { return fault{hang: true} }
		c := someConfig()
		c.DeliveryTimeout = 8 * time.Second
		r := open(t, f, someSettings(), c)
		defer r.shutDown()
		began, rec := time.Now(), record("a", "1")
		r.send(rec)
		r.settle()
		require.ErrorIs(t, r.of(t, rec).err, stream.ErrUnknownOutcome)
		require.ErrorIs(t, r.of(t, rec).err, context.DeadlineExceeded)
		require.Equal(t, c.DeliveryTimeout, time.Since(began))
	})
}

func TestThrottleUntilTheDeadlineIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(int, []api.Entry) fault { return fault{all: api.Throughput} }
		c := someConfig()
		c.DeliveryTimeout = 2 * time.Second
		r := open(t, f, someSettings(), c)
		defer r.shutDown()
		recs := keyed("a", 2)
		r.send(recs...)
		r.settle()
		for _, rec := range recs {
			require.ErrorIs(t, r.of(t, rec).err, stream.ErrThrottled)
			require.NotErrorIs(t, r.of(t, rec).err, stream.ErrUnknownOutcome)
		}
		require.Less(t, f.calls, 20)
	})
}

func TestWhatIsForeverFailsAtOnce(t *testing.T) {
	codes := map[string]error{
		api.Denied: stream.ErrUnauthorized, "KMSDisabledException": stream.ErrUnauthorized, api.Missing: stream.ErrNotFound,
		api.Validation: stream.ErrInvalid,
	}
	for code, want := range codes {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(1)
				f.fault = func(int, []api.Entry) fault {
					return fault{before: &api.Error{Op: "PutRecords", Code: code, Status: 400}}
				}
				r := open(t, f, someSettings(), someConfig())
				defer r.shutDown()
				recs := keyed("a", 3)
				r.send(recs...)
				r.settle()
				for _, rec := range recs {
					require.ErrorIs(t, r.of(t, rec).err, want)
				}
				require.Equal(t, 1, f.calls)
				var placed *stream.Error
				require.ErrorAs(t, r.of(t, recs[0]).err, &placed)
				require.Equal(t, "s", placed.Stream)
			})
		})
	}
}

// TestOneBadRecordFailsAlone has the service refuse every request with one record in it.
func TestOneBadRecordFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(_ int, entries []api.Entry) fault {
			for _, e := range entries {
				if string(e.Data) == "bad" {
					return fault{before: &api.Error{Op: "PutRecords", Code: api.Argument, Status: 400}}
				}
			}
			return fault{}
		}
		s := someSettings()
		s.Mode = settings.Unordered
		r := open(t, f, s, someConfig())
		defer r.shutDown()
		var recs []*stream.Record
		for i := range 100 {
			value := "good"
			if i == 37 {
				value = "bad"
			}
			recs = append(recs, record("k", value))
		}
		r.Append(t.Context(), recs, r.done)
		r.settle()
		for i, rec := range recs {
			if i == 37 {
				require.ErrorIs(t, r.of(t, rec).err, stream.ErrInvalid)
				continue
			}
			require.NoError(t, r.of(t, rec).err)
		}
		require.Len(t, f.log, 99)
	})
}

func TestAnswerWithTooFewResultsIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.fault = func(call int, _ []api.Entry) fault {
			if call == 1 {
				return fault{result: func(r []api.Result) []api.Result { return r[:1] }}
			}
			return fault{}
		}
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		recs := []*stream.Record{record("a", "1"), record("b", "2")}
		r.Append(t.Context(), recs, r.done)
		r.settle()
		for _, rec := range recs {
			require.NoError(t, r.of(t, rec).err)
			require.True(t, r.of(t, rec).ack.Duplicate)
		}
	})
}

func TestFailedRecordTakesThoseBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.trip = 10 * time.Millisecond
		f.fault = func(_ int, entries []api.Entry) fault {
			if string(entries[0].Data) == "a/000" {
				return fault{codes: map[int]string{0: "AccessDeniedException"}}
			}
			return fault{}
		}
		r := open(t, f, someSettings(), someConfig())
		defer r.shutDown()
		recs := keyed("a", 5)
		r.send(recs...)
		other := record("b", "1")
		r.send(other)
		r.settle()
		for _, rec := range recs {
			require.ErrorIs(t, r.of(t, rec).err, stream.ErrUnauthorized)
		}
		require.Equal(t, recs, r.order[len(r.order)-5:])
		require.NoError(t, r.of(t, other).err)
		later := record("a", "later")
		r.send(later)
		r.settle()
		require.NoError(t, r.of(t, later).err)
	})
}
