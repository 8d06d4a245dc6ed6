package dynamo_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/lease/dynamo"
	"github.com/streamport-go/streamport/stream"
)

// calls are one of each operation, on a row that create has made.
var calls = []struct {
	op    string
	write bool
	make  func(context.Context, *dynamo.Store) error
}{
	{"Scan", false, func(ctx context.Context, s *dynamo.Store) error { _, err := s.Scan(ctx); return err }},
	{"GetItem", false, func(ctx context.Context, s *dynamo.Store) error { _, _, err := s.Get(ctx, key); return err }},
	{"PutItem", true, func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.Create(ctx, lease.Row{Key: "shardId-000000000008", Checkpoint: lease.AtOldest})
		return err
	}},
	{"UpdateItem", true, func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.Update(ctx, key, lease.Change{Counter: to[int64](1), Raise: true})
		return err
	}},
	{"DeleteItem", true, func(ctx context.Context, s *dynamo.Store) error { return s.Delete(ctx, key, 1) }},
}

// outcomes are what callers act on.
var outcomes = []error{
	stream.ErrUnknownOutcome, stream.ErrThrottled, stream.ErrUnauthorized, stream.ErrNotFound, stream.ErrInvalid, lease.ErrConflict,
}

// onlyIs requires that err is of these outcomes and of no other.
func onlyIs(t *testing.T, err error, want ...error) {
	t.Helper()
	require.Error(t, err)
	for _, outcome := range outcomes {
		is := false
		for _, w := range want {
			is = is || w == outcome //nolint:errorlint // sentinels of a table
		}
		require.Equal(t, is, errors.Is(err, outcome), "%v: %v", outcome, err)
	}
}

// failing makes each call on a table of its own where something goes wrong, and returns what the store said and what was
// done.
func failing(t *testing.T, f fakekinesis.Fault, check func(t *testing.T, op string, write bool, err error, done bool)) {
	t.Helper()
	for _, c := range calls {
		t.Run(c.op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
				s := open(t, fake)
				create(t, s, lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest})
				before := fake.Items(table)
				f.Op = c.op
				calls := fake.Ops()[c.op]
				fake.Script().Add(f)
				err := c.make(t.Context(), s)
				synctest.Wait()
				require.Equal(t, calls+1, fake.Ops()[c.op], "nothing is repeated")
				check(t, c.op, c.write, err, !sameItems(before, fake.Items(table)))
			})
		})
	}
}

func sameItems(a, b map[string]fakekinesis.Item) bool {
	same := len(a) == len(b)
	for key, i := range a {
		same = same && i.String() == b[key].String()
	}
	return same
}

func TestThrottledCallsDidNothing(t *testing.T) {
	for _, code := range []string{"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"} {
		failing(t, fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: code}, func(t *testing.T, _ string, _ bool, err error, done bool) {
			onlyIs(t, err, stream.ErrThrottled)
			require.Equal(t, code, api.CodeOf(err))
			require.False(t, done)
		})
	}
}

func TestDeniedCallsDidNothing(t *testing.T) {
	for _, code := range []string{"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"} {
		failing(t, fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: code}, func(t *testing.T, op string, _ bool, err error, done bool) {
			onlyIs(t, err, stream.ErrUnauthorized)
			require.ErrorContains(t, err, op, "the operation to allow is named")
			require.False(t, done)
		})
	}
}

func TestWritesWithoutAnAnswerAreUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		fault fakekinesis.Fault
		done  bool
	}{
		"reset":                {fakekinesis.Fault{Kind: fakekinesis.Reset}, false},
		"lost":                 {fakekinesis.Fault{Kind: fakekinesis.Lose}, true},
		"500":                  {fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: "InternalServerError"}, false},
		"500 when it was done": {fakekinesis.Fault{Kind: fakekinesis.RefuseAfter, Code: "InternalServerError"}, true},
		"503":                  {fakekinesis.Fault{Kind: fakekinesis.Refuse, Code: "ServiceUnavailable"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			failing(t, c.fault, func(t *testing.T, _ string, write bool, err error, done bool) {
				if write {
					onlyIs(t, err, stream.ErrUnknownOutcome)
				} else {
					onlyIs(t, err)
				}
				require.Equal(t, c.done && write, done)
			})
		})
	}
}

func TestWritesThatArriveLaterAreUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
		s := open(t, fake)
		create(t, s, lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest})
		fake.Script().Add(fakekinesis.Fault{Op: "UpdateItem", Kind: fakekinesis.Late, Delay: time.Minute})
		_, err := s.Update(t.Context(), key, lease.Change{Raise: true})
		onlyIs(t, err, stream.ErrUnknownOutcome)
		r, _, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		require.EqualValues(t, 1, r.Counter)
		time.Sleep(2 * time.Minute)
		r, _, err = s.Get(t.Context(), key)
		require.NoError(t, err)
		require.EqualValues(t, 2, r.Counter)
	})
}

func TestWritesWhoseCallerGoesAwayAreUnknown(t *testing.T) {
	for _, c := range calls {
		synctest.Test(t, func(t *testing.T) {
			fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
			s := open(t, fake)
			create(t, s, lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest})
			fake.Script().Add(fakekinesis.Fault{Op: c.op, Kind: fakekinesis.Delay, Delay: time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := c.make(ctx, s)
			require.Equal(t, c.write, errors.Is(err, stream.ErrUnknownOutcome), "%v", err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

func TestWritesThatWereNotSentAreKnown(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	broken := aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no role")
	})}
	open(t, fake) // makes the table
	_, err := dynamo.Open(t.Context(), dynamo.NewClient(broken, "http://dynamodb.invalid", fake), table, true)
	onlyIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, "no role")

	s := open(t, fake)
	create(t, s, lease.Row{Key: key, Counter: 1, Checkpoint: lease.AtOldest})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range calls {
		before := fake.Ops()[c.op]
		require.ErrorIs(t, c.make(ctx, s), context.Canceled)
		require.Equal(t, before, fake.Ops()[c.op])
	}
	_, err = s.Update(ctx, key, lease.Change{Raise: true})
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
}

func TestATableThatIsGoneIsNotFound(t *testing.T) {
	for _, c := range calls {
		fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
		s := open(t, fake)
		fake.Script().Add(fakekinesis.Fault{Op: c.op, Kind: fakekinesis.Refuse, Code: "ResourceNotFoundException"})
		onlyIs(t, c.make(t.Context(), s), stream.ErrNotFound)
	}
}

func TestAnAnswerThatCannotBeReadIsUnknown(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	open(t, fake)
	garbled := trip(func(r *http.Request) (*http.Response, error) {
		response, err := fake.RoundTrip(r)
		if err == nil && !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribeTable") {
			response.Body, response.ContentLength = io.NopCloser(strings.NewReader(`{"Attrib`)), -1
		}
		return response, err
	})
	s, err := dynamo.Open(t.Context(), client(garbled), table, false)
	require.NoError(t, err)
	for _, c := range calls {
		require.NoError(t, fake.Put(table, attributes(t, `{"leaseKey":{"S":"`+key+`"},"leaseCounter":{"N":"1"},"checkpoint":{"S":"LATEST"},
			"ownerSwitchesSinceCheckpoint":{"N":"0"},"checkpointSubSequenceNumber":{"N":"0"}}`)))
		err := c.make(t.Context(), s)
		require.Error(t, err)
		require.Equal(t, c.write, errors.Is(err, stream.ErrUnknownOutcome), "%s: %v", c.op, err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		redirect(t, status)
	}
}

func redirect(t *testing.T, status int) {
	t.Helper()
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	open(t, fake)
	sent := 0
	away := trip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribeTable") {
			return fake.RoundTrip(r)
		}
		sent++
		return &http.Response{
			StatusCode: status, Header: http.Header{"Location": {"http://elsewhere.invalid"}},
			Body: http.NoBody, Request: r,
		}, nil
	})
	s, err := dynamo.Open(t.Context(), client(away), table, false)
	require.NoError(t, err)
	_, _, err = s.Get(t.Context(), key)
	require.Error(t, err)
	require.Equal(t, 1, sent)
}

// Package transport says why.
func TestBodiesAreOnlyRead(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	open(t, fake)
	_, err := dynamo.Open(t.Context(), client(trip(func(r *http.Request) (*http.Response, error) {
		require.NotImplements(t, (*io.WriterTo)(nil), r.Body)
		return fake.RoundTrip(r)
	})), table, false)
	require.NoError(t, err)
}

func TestALeaseThatCannotBeReadIsCorrupt(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	s := open(t, fake)
	bad := attributes(t, `{"leaseKey":{"S":"`+key+`"},"leaseCounter":{"N":"1"},"checkpoint":{"S":"soon"},
		"ownerSwitchesSinceCheckpoint":{"N":"0"},"checkpointSubSequenceNumber":{"N":"0"}}`)
	require.NoError(t, fake.Put(table, bad))
	_, err := s.Scan(t.Context())
	require.ErrorIs(t, err, stream.ErrCorrupt)
	require.ErrorContains(t, err, key)
	_, _, err = s.Get(t.Context(), key)
	require.ErrorIs(t, err, stream.ErrCorrupt)
	r, err := s.Update(t.Context(), key, lease.Change{Counter: to[int64](0)})
	require.ErrorIs(t, err, lease.ErrConflict)
	require.Zero(t, r)
	_, err = s.Update(t.Context(), key, lease.Change{Counter: to[int64](1), Raise: true})
	require.ErrorIs(t, err, stream.ErrCorrupt)
	require.ErrorIs(t, err, stream.ErrUnknownOutcome, "it was written, and nobody can say what")
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
