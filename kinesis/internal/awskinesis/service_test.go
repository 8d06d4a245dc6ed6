package awskinesis_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"

func TestRecordsArePut(t *testing.T) {
	w := always(200, `{"FailedRecordCount":1,"Records":[{"ShardId":"shard-0","SequenceNumber":"49"},
		{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded"},
		{"ErrorCode":"InvalidArgumentException","ErrorMessage":"bad key: s3cret"}]}`)
	s := awskinesis.New(config(w))
	results, err := s.PutRecords(t.Context(), "orders", []api.Entry{{Key: "a", Data: []byte("one")}, {Key: "b", Hash: "5"}, {Key: "c"}})
	require.NoError(t, err)
	require.Equal(t, []api.Result{
		{Shard: "shard-0", Sequence: "49"}, {Code: api.Throughput, Message: "Rate exceeded"}, {Code: api.Argument},
	}, results)
	require.Equal(t, map[string]any{"StreamName": "orders", "Records": []any{
		map[string]any{"PartitionKey": "a", "Data": base64.StdEncoding.EncodeToString([]byte("one"))},
		map[string]any{"PartitionKey": "b", "ExplicitHashKey": "5", "Data": ""},
		map[string]any{"PartitionKey": "c", "Data": ""},
	}}, w.input(t, 0))
}

func TestStreamIsNamedByItsARN(t *testing.T) {
	w := always(200, `{"Records":[],"ShardIterator":"i","NextShardIterator":"n","StreamDescriptionSummary":{}}`)
	s := awskinesis.New(config(w))
	_, err := s.PutRecords(t.Context(), arn, nil)
	require.NoError(t, err)
	_, err = s.Iterator(t.Context(), arn, "shard-0", api.From{Kind: api.Oldest})
	require.NoError(t, err)
	_, err = s.Records(t.Context(), arn, "i", 5)
	require.NoError(t, err)
	_, err = s.Shards(t.Context(), arn, api.Filter{})
	require.NoError(t, err)
	_, err = s.Summary(t.Context(), arn)
	require.NoError(t, err)
	for n := range w.ops {
		require.Equal(t, arn, w.input(t, n)["StreamARN"], w.ops[n])
		require.NotContains(t, w.input(t, n), "StreamName")
	}
}

func TestOrderIsAskedFor(t *testing.T) {
	w := always(200, `{"ShardId":"shard-0","SequenceNumber":"50"}`)
	s := awskinesis.New(config(w))
	r, err := s.PutRecord(t.Context(), "orders", api.Entry{Key: "a"}, "49")
	require.NoError(t, err)
	require.Equal(t, api.Result{Shard: "shard-0", Sequence: "50"}, r)
	require.Equal(t, "49", w.input(t, 0)["SequenceNumberForOrdering"])
	_, err = s.PutRecord(t.Context(), "orders", api.Entry{Key: "a"}, "")
	require.NoError(t, err)
	require.NotContains(t, w.input(t, 1), "SequenceNumberForOrdering")
}

func TestPageIsRead(t *testing.T) {
	w := always(200, `{"NextShardIterator":"n","MillisBehindLatest":1500,"Records":[
		{"Data":"b25l","PartitionKey":"a","SequenceNumber":"49","ApproximateArrivalTimestamp":1.700000000123E9},
		{"Data":"","SequenceNumber":"50"}]}`)
	page, err := awskinesis.New(config(w)).Records(t.Context(), "orders", "i", 7)
	require.NoError(t, err)
	require.Len(t, page.Records, 2)
	require.Equal(t, api.Record{Key: "a", Sequence: "49", Data: []byte("one"), Arrival: page.Records[0].Arrival}, page.Records[0])
	require.Equal(t, int64(1_700_000_000_123), page.Records[0].Arrival.UnixMilli())
	require.Equal(t, "50", page.Records[1].Sequence)
	require.Equal(t, 1500*time.Millisecond, page.Behind)
	require.Equal(t, 4, page.Bytes)
	require.Equal(t, int64(1_700_000_000), page.Date.Unix(), "the service's clock")
	require.False(t, page.End)
	require.Equal(t, map[string]any{"ShardIterator": "i", "Limit": 7.0}, w.input(t, 0))
}

func TestEndIsReadWithItsChildren(t *testing.T) {
	w := always(200, `{"MillisBehindLatest":0,"Records":[],"ChildShards":[
		{"ShardId":"shard-1","ParentShards":["shard-0"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}]}`)
	page, err := awskinesis.New(config(w)).Records(t.Context(), "orders", "i", 7)
	require.NoError(t, err)
	require.True(t, page.End)
	require.Equal(t, []shard.Child{{ID: "shard-1", Parents: []string{"shard-0"}, Range: shard.Range{Last: shard.Hash{Low: 9}}}}, page.Children)
}

func TestIteratorBeginsWhereItIsTold(t *testing.T) {
	for _, c := range []struct {
		from api.From
		want map[string]any
	}{
		{api.From{Kind: api.Oldest}, map[string]any{}},
		{api.From{Kind: api.AtTime, Time: time.UnixMilli(1_700_000_000_123)}, map[string]any{"Timestamp": 1.700000000123e9}},
		{api.From{Kind: api.AfterSequence, Sequence: "49"}, map[string]any{"StartingSequenceNumber": "49"}},
	} {
		t.Run(c.from.Kind, func(t *testing.T) {
			w := always(200, `{"ShardIterator":"i"}`)
			i, err := awskinesis.New(config(w)).Iterator(t.Context(), "orders", "shard-0", c.from)
			require.NoError(t, err)
			require.Equal(t, "i", i)
			c.want["StreamName"], c.want["ShardId"], c.want["ShardIteratorType"] = "orders", "shard-0", c.from.Kind
			require.Equal(t, c.want, w.input(t, 0))
		})
	}
}

// listed is a page of ListShards with one shard.
func listed(id, token string) string {
	return fmt.Sprintf(`{"NextToken":%q,"Shards":[{"ShardId":%q,"ParentShardId":"p","AdjacentParentShardId":"a",
		"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"},
		"SequenceNumberRange":{"StartingSequenceNumber":"49","EndingSequenceNumber":"50"}}]}`, token, id)
}

func TestListingHasAllPages(t *testing.T) {
	w := &wire{answer: func(n int, _ string, _ []byte) (*http.Response, error) {
		if n < 2 {
			return said(200, listed(fmt.Sprint("shard-", n), fmt.Sprint("token-", n))), nil
		}
		return said(200, strings.Replace(listed("shard-2", ""), `"NextToken":"",`, "", 1)), nil
	}}
	at := time.UnixMilli(1_700_000_000_000)
	l, err := awskinesis.New(config(w)).Shards(t.Context(), "orders", api.Filter{Type: "AT_TIMESTAMP", Time: at})
	require.NoError(t, err)
	require.Len(t, l.Shards, 3)
	require.Equal(t, shard.Shard{ID: "shard-0", Parent: "p", Adjacent: "a", Range: shard.Whole(), First: "49", Closed: true}, l.Shards[0])
	require.Equal(t, int64(1_700_000_000), l.Date.Unix())
	require.Equal(t, map[string]any{"Type": "AT_TIMESTAMP", "Timestamp": 1.7e9}, w.input(t, 0)["ShardFilter"])
	require.Equal(t, map[string]any{"NextToken": "token-1"}, w.input(t, 2), "a token goes alone")
}

func TestListingWhoseTokenExpiresIsBegunAgain(t *testing.T) {
	w := &wire{answer: func(n int, _ string, body []byte) (*http.Response, error) {
		if n == 1 {
			return said(400, `{"__type":"ExpiredNextTokenException","message":"expired"}`), nil
		}
		if strings.Contains(string(body), "NextToken") {
			return said(200, listed("shard-1", "")), nil
		}
		return said(200, listed("shard-0", "token")), nil
	}}
	l, err := awskinesis.New(config(w)).Shards(t.Context(), "orders", api.Filter{})
	require.NoError(t, err)
	require.Len(t, l.Shards, 2)

	w = &wire{answer: func(n int, _ string, _ []byte) (*http.Response, error) {
		if n%2 == 1 {
			return said(400, `{"__type":"ExpiredNextTokenException","message":"expired"}`), nil
		}
		return said(200, listed("shard-0", "token")), nil
	}}
	_, err = awskinesis.New(config(w)).Shards(t.Context(), "orders", api.Filter{})
	require.Equal(t, api.OldToken, api.CodeOf(err))
	require.Len(t, w.ops, 6, "not without end")
}

func TestListingWithoutEndIsAnError(t *testing.T) {
	_, err := awskinesis.New(config(always(200, `{"NextToken":"t","Shards":[]}`))).Shards(t.Context(), "orders", api.Filter{})
	require.ErrorContains(t, err, "pages")
}

func TestShardWithoutRangeIsRefused(t *testing.T) {
	for _, r := range []string{`{}`, `{"StartingHashKey":"-1","EndingHashKey":"5"}`, `{"StartingHashKey":"6","EndingHashKey":"5"}`} {
		_, err := awskinesis.New(config(always(200, `{"Shards":[{"ShardId":"s","HashKeyRange":`+r+`}]}`))).Shards(t.Context(), "orders", api.Filter{})
		require.Error(t, err, r)
	}
}

func TestSummaryIsRead(t *testing.T) {
	w := always(200, `{"StreamDescriptionSummary":{"StreamName":"orders","StreamARN":"`+arn+`","StreamStatus":"ACTIVE","OpenShardCount":3,
		"RetentionPeriodHours":48,"StreamCreationTimestamp":1.7E9,"ConsumerCount":2,"EncryptionType":"KMS","MaxRecordSizeInKiB":2048,
		"RecordDistributionStrategy":"AUTO","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}}`)
	d, err := awskinesis.New(config(w)).Summary(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, int64(1_700_000_000), d.Created.Unix())
	d.Created = time.Time{}
	require.Equal(t, api.Summary{
		Name: "orders", ARN: arn, Status: "ACTIVE", Retention: 48 * time.Hour, OpenShards: 3, Consumers: 2, RecordBytes: 2 << 20,
		Mode: "ON_DEMAND", Distribution: "AUTO", Encryption: "KMS",
	}, d)
}

func TestControlCalls(t *testing.T) {
	w := always(200, `{"Consumer":{"ConsumerARN":"c","ConsumerStatus":"CREATING"},"ConsumerDescription":{"ConsumerARN":"c","ConsumerStatus":"ACTIVE"}}`)
	s := awskinesis.New(config(w))
	require.NoError(t, s.Create(t.Context(), api.Creation{Name: "orders", Shards: 3, RecordBytes: 2<<20 + 1}))
	require.NoError(t, s.Create(t.Context(), api.Creation{Name: "orders"}))
	require.NoError(t, s.SetRetention(t.Context(), "orders", 24*time.Hour, 48*time.Hour))
	require.NoError(t, s.SetRetention(t.Context(), arn, 48*time.Hour, 24*time.Hour))
	require.NoError(t, s.SetRetention(t.Context(), "orders", time.Hour, time.Hour))
	require.NoError(t, s.SetRecordBytes(t.Context(), arn, 5<<20))
	made, err := s.Register(t.Context(), arn, "us")
	require.NoError(t, err)
	require.Equal(t, api.Consumer{ARN: "c", Status: "CREATING"}, made)
	found, err := s.Consumer(t.Context(), arn, "us")
	require.NoError(t, err)
	require.Equal(t, api.Consumer{ARN: "c", Status: "ACTIVE"}, found)
	require.NoError(t, s.Deregister(t.Context(), "c"))
	want := []struct {
		op string
		in map[string]any
	}{
		{"CreateStream", map[string]any{"StreamName": "orders", "ShardCount": 3.0, "MaxRecordSizeInKiB": 2049.0}},
		{"CreateStream", map[string]any{"StreamName": "orders", "StreamModeDetails": map[string]any{"StreamMode": "ON_DEMAND"}}},
		{"IncreaseStreamRetentionPeriod", map[string]any{"StreamName": "orders", "RetentionPeriodHours": 48.0}},
		{"DecreaseStreamRetentionPeriod", map[string]any{"StreamARN": arn, "RetentionPeriodHours": 24.0}},
		{"UpdateMaxRecordSize", map[string]any{"StreamARN": arn, "MaxRecordSizeInKiB": 5120.0}},
		{"RegisterStreamConsumer", map[string]any{"StreamARN": arn, "ConsumerName": "us"}},
		{"DescribeStreamConsumer", map[string]any{"StreamARN": arn, "ConsumerName": "us"}},
		{"DeregisterStreamConsumer", map[string]any{"ConsumerARN": "c"}},
	}
	require.Len(t, w.ops, len(want))
	for n, c := range want {
		require.Equal(t, c.op, w.ops[n])
		require.Equal(t, c.in, w.input(t, n))
		require.Contains(t, awskinesis.Operations(), c.op)
	}
}

// put makes a write and returns its error.
func put(t *testing.T, c awskinesis.Config) *api.Error {
	t.Helper()
	_, err := awskinesis.New(c).PutRecords(t.Context(), "orders", []api.Entry{{Key: "s3cret", Data: []byte("s3cret")}})
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "PutRecords", e.Op)
	require.NotContains(t, err.Error(), "s3cret")
	require.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte("s3cret")))
	return e
}

func TestErrorsOfWrites(t *testing.T) {
	quoting := `{"__type":"ValidationException","message":"1 validation error detected: Value 's3cret' at 'records.1.member.partitionKey' ` +
		`failed to satisfy constraint: Member must have length less than or equal to 256"}`
	for name, c := range map[string]struct {
		status     int
		body       string
		code, says string
		unknown    bool
		is         error
	}{
		"throttled":   {400, `{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded"}`, api.Throughput, "Rate exceeded", false, stream.ErrThrottled},
		"namespace":   {400, `{"__type":"com.amazonaws.kinesis#ResourceNotFoundException","message":"none"}`, api.Missing, "none", false, stream.ErrNotFound},
		"validation":  {400, quoting, api.Validation, "Member must have length less than or equal to 256", false, stream.ErrInvalid},
		"argument":    {400, `{"__type":"InvalidArgumentException","message":"Invalid: s3cret"}`, api.Argument, "", false, stream.ErrInvalid},
		"signature":   {403, `{"__type":"InvalidSignatureException","message":"The Canonical String should have been s3cret"}`, "InvalidSignatureException", "", false, stream.ErrUnauthorized},
		"denied":      {400, `{"__type":"AccessDeniedException","message":"User: u is not authorized"}`, api.Denied, "User: u is not authorized", false, stream.ErrUnauthorized},
		"internal":    {500, `{"__type":"InternalFailure","message":"oops"}`, api.Internal, "oops", true, nil},
		"unavailable": {503, `<html>busy s3cret</html>`, "", "", true, nil},
		"html":        {400, `<html>s3cret</html>`, "", "", false, nil},
		"no code":     {500, `{}`, "", "", true, nil},
		"garbage":     {200, `{"Records":[s3cret`, "", "", true, nil},
		"too few":     {200, `{"Records":[]}`, "", "", true, nil},
		"no outcome":  {200, `{"Records":[{}]}`, "", "", true, nil},
		"redirected":  {307, `s3cret`, "", "", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{answer: func(int, string, []byte) (*http.Response, error) {
				r := said(c.status, c.body)
				r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
				return r, nil
			}}
			e := put(t, config(w))
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.says, e.Message)
			require.Equal(t, c.status, e.Status)
			require.Equal(t, c.unknown, e.Unknown)
			if c.is != nil {
				require.ErrorIs(t, e, c.is)
			}
			require.Len(t, w.ops, 1, "nothing is retried")
		})
	}
}

func TestWriteWithoutAnswerHasAnUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		unknown bool
	}{
		"reset":       {&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, true},
		"ended":       {io.ErrUnexpectedEOF, true},
		"not reached": {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			e := put(t, config(&wire{answer: func(int, string, []byte) (*http.Response, error) { calls++; return nil, c.err }}))
			require.Equal(t, c.unknown, e.Unknown)
			require.ErrorIs(t, e, c.err)
			require.Zero(t, e.Status)
			require.Equal(t, 1, calls, "nothing is retried")
		})
	}
}

func TestWriteThatWasNotSentHasAnOutcome(t *testing.T) {
	c := config(always(200, "{}"))
	c.AWS.Credentials = provider{errors.New("the profile is missing")}
	e := put(t, c)
	require.False(t, e.Unknown)
	require.ErrorIs(t, e, stream.ErrUnauthorized)
	require.ErrorContains(t, e, "the profile is missing")
}

func TestReadIsNeverUnknown(t *testing.T) {
	_, err := awskinesis.New(config(always(500, `{"__type":"InternalFailure"}`))).Records(t.Context(), "orders", "i", 1)
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.False(t, e.Unknown)
}

func TestEmptyAnswerIsNoEnd(t *testing.T) {
	for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `{"Records":null}`, ``, `{"Records":[{}],"MillisBehindLatest":0}`} {
		_, err := awskinesis.New(config(always(200, body))).Records(t.Context(), "orders", "i", 1)
		require.Error(t, err, body)
	}
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCallsHaveTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(silent{})
		c.RequestTimeout, c.PutTimeout = 7*time.Second, 3*time.Second
		s := awskinesis.New(c)
		began := time.Now()
		_, err := s.Summary(t.Context(), "orders")
		require.Equal(t, 7*time.Second, time.Since(began))
		require.ErrorContains(t, err, "no answer in time")
		require.NotErrorIs(t, err, context.DeadlineExceeded, "that is the caller's")
		began = time.Now()
		e := put(t, c)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.True(t, e.Unknown)
		began = time.Now()
		_, err = s.Subscribe(t.Context(), "c", "shard-0", api.From{Kind: api.Latest})
		require.Equal(t, 7*time.Second, time.Since(began))
		require.ErrorContains(t, err, "no answer in time")
	})
}

func TestEndOfContextIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := awskinesis.New(config(silent{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.PutRecords(ctx, "orders", []api.Entry{{Key: "a"}})
		var e *api.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, e, context.DeadlineExceeded)
		require.True(t, e.Unknown, "it may have arrived")
	})
}

// A machine whose clock is years off is told so by the service, which did nothing.
func TestWrongClockIsCorrected(t *testing.T) {
	w := &wire{answer: func(n int, _ string, _ []byte) (*http.Response, error) {
		if n == 0 {
			return said(403, `{"__type":"InvalidSignatureException","message":"Signature expired"}`), nil
		}
		return said(200, `{"Records":[{"ShardId":"shard-0","SequenceNumber":"49"}]}`), nil
	}}
	s := awskinesis.New(config(w))
	for range 2 {
		results, err := s.PutRecords(t.Context(), "orders", []api.Entry{{Key: "a"}})
		require.NoError(t, err)
		require.Equal(t, "49", results[0].Sequence)
	}
	require.Len(t, w.ops, 3)
	require.Equal(t, w.bodies[0], w.bodies[1])

	w = always(403, `{"__type":"InvalidSignatureException","message":"Signature expired"}`)
	e := put(t, config(w))
	require.ErrorIs(t, e, stream.ErrUnauthorized)
	require.Len(t, w.ops, 2, "once")
}

// The policies in the documentation allow these operations and no others.
func TestOperationsAreWhatIsCalled(t *testing.T) {
	w := always(400, `{"__type":"AccessDeniedException"}`)
	s := awskinesis.New(config(w))
	ctx := t.Context()
	_, _ = s.PutRecords(ctx, "orders", []api.Entry{{Key: "a"}})
	_, _ = s.PutRecord(ctx, "orders", api.Entry{Key: "a"}, "")
	_, _ = s.Iterator(ctx, "orders", "shard-0", api.From{Kind: api.Oldest})
	_, _ = s.Records(ctx, "orders", "i", 1)
	_, _ = s.Subscribe(ctx, "c", "shard-0", api.From{Kind: api.Oldest})
	_, _ = s.Shards(ctx, "orders", api.Filter{})
	_, _ = s.Summary(ctx, "orders")
	_, _ = s.Register(ctx, arn, "us")
	_, _ = s.Consumer(ctx, arn, "us")
	_ = s.Deregister(ctx, "c")
	_ = s.Create(ctx, api.Creation{Name: "orders"})
	_ = s.SetRetention(ctx, "orders", time.Hour, 2*time.Hour)
	_ = s.SetRetention(ctx, "orders", 2*time.Hour, time.Hour)
	_ = s.SetRecordBytes(ctx, arn, 1<<20)
	called := slices.Clone(w.ops)
	slices.Sort(called)
	require.Equal(t, awskinesis.Operations(), slices.Compact(called))
}
