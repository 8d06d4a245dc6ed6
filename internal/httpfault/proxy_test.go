package httpfault_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/httpfault"
)

// target is a server that counts the calls of each operation and stores what PutRecords brings.
type target struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	calls  map[string]int
	stored []string
}

func newTarget(t *testing.T) *target {
	s := &target{calls: make(map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *target) serve(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch op {
	case "PutRecords":
		_, _ = w.Write(s.put(r.Header, body))
	case "ListStreams":
		_, _ = w.Write([]byte(`{"HasMoreStreams":false,"StreamNames":["s"]}`))
	}
}

func (s *target) put(h http.Header, body []byte) []byte {
	if strings.Contains(h.Get("Content-Type"), "cbor") {
		v, _ := cbor.Decode(body)
		list := v.(cbor.Map)["Records"].(cbor.List)
		var answers cbor.List
		for _, one := range list {
			s.stored = append(s.stored, string(one.(cbor.Map)["PartitionKey"].(cbor.String)))
			answers = append(answers, cbor.Map{"SequenceNumber": one.(cbor.Map)["PartitionKey"]})
		}
		return cbor.Encode(cbor.Map{"FailedRecordCount": cbor.Uint(0), "Records": answers})
	}
	var in struct {
		Records []struct{ PartitionKey string }
	}
	_ = json.Unmarshal(body, &in)
	var answers []string
	for _, one := range in.Records {
		s.stored = append(s.stored, one.PartitionKey)
		answers = append(answers, fmt.Sprintf(`{"SequenceNumber":%q,"ShardId":"shard"}`, one.PartitionKey))
	}
	return []byte(`{"FailedRecordCount":0,"Records":[` + strings.Join(answers, ",") + `]}`)
}

func (s *target) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

func (s *target) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.stored...)
}

func proxyOf(t *testing.T, s *target) (*httpfault.Proxy, *kinesis.Client) {
	p, err := httpfault.Listen(s.URL, 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p, clientOf(t, p.Endpoint())
}

func clientOf(t *testing.T, endpoint string) *kinesis.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		})})
}

func list(ctx context.Context, c *kinesis.Client) error {
	_, err := c.ListStreams(ctx, &kinesis.ListStreamsInput{})
	return err
}

func put(t *testing.T, c *kinesis.Client, keys ...string) (*kinesis.PutRecordsOutput, error) {
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for _, k := range keys {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &k, Data: []byte(k)})
	}
	return c.PutRecords(t.Context(), in)
}

func TestWithoutFaultsEverythingPasses(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	require.NoError(t, list(t.Context(), c))
	out, err := put(t, c, "a", "b")
	require.NoError(t, err)
	require.Len(t, out.Records, 2)
	require.Equal(t, map[string]int{"ListStreams": 1, "PutRecords": 1}, p.Calls())
}

func TestKindsOfFaults(t *testing.T) {
	for kind, want := range map[httpfault.Kind]struct {
		done  bool
		typed bool // the error is one of the service
	}{
		httpfault.Reset:       {false, false},
		httpfault.Refuse:      {false, true},
		httpfault.RefuseAfter: {true, true},
		httpfault.Lose:        {true, false},
		httpfault.Cut:         {true, false},
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := newTarget(t)
			p, c := proxyOf(t, s)
			f := p.Set(httpfault.Rule{Kind: kind, Ops: []string{"ListStreams"}, Times: 1,
				Code: "LimitExceededException", Bytes: 5})
			err := list(t.Context(), c)
			require.Error(t, err)
			var limit *types.LimitExceededException
			require.Equal(t, want.typed, errors.As(err, &limit), "%v", err)
			if want.done {
				require.Equal(t, 1, s.count("ListStreams"))
			} else {
				require.Zero(t, s.count("ListStreams"))
			}
			<-f.Fired()
			require.EqualValues(t, 1, f.Hits())
			require.NoError(t, list(t.Context(), c), "once only")
			_, err = put(t, c, "a")
			require.NoError(t, err)
		})
	}
}

func TestALateCallIsDoneAfterItsClientHasGone(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	p.Set(httpfault.Rule{Kind: httpfault.Late, Times: 1, Delay: 50 * time.Millisecond})
	_, err := put(t, c, "a")
	require.Error(t, err)
	require.Eventually(t, func() bool { return len(s.keys()) == 1 }, 10*time.Second, 5*time.Millisecond)
}

func TestDelaysAndHolds(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	const long = 40 * time.Millisecond
	for _, kind := range []httpfault.Kind{httpfault.Delay, httpfault.DelayAnswer} {
		f := p.Set(httpfault.Rule{Kind: kind, Delay: long})
		began := time.Now()
		require.NoError(t, list(t.Context(), c))
		require.GreaterOrEqual(t, time.Since(began), long)
		f.Remove()
	}
	f := p.Set(httpfault.Rule{Kind: httpfault.Hold, Ops: []string{"ListStreams"}})
	before := s.count("ListStreams")
	done := make(chan error, 1)
	go func() { done <- list(t.Context(), c) }()
	<-f.Fired()
	require.Equal(t, before, s.count("ListStreams"))
	p.Heal()
	require.NoError(t, <-done)
}

func TestCloseEndsWhatIsHeld(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	f := p.Set(httpfault.Rule{Kind: httpfault.Hold})
	done := make(chan error, 1)
	go func() { done <- list(t.Context(), c) }()
	<-f.Fired()
	p.Close()
	require.Error(t, <-done)
	p.Close()
}

func TestSkipTimesHoldingMatchAndChance(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	p.Set(httpfault.Rule{Kind: httpfault.Reset, Ops: []string{"ListStreams"}, Skip: 1, Times: 2})
	for i, fails := range []bool{false, true, true, false} {
		require.Equal(t, fails, list(t.Context(), c) != nil, "call %d", i)
	}
	p.Heal()
	p.Set(httpfault.Rule{Kind: httpfault.Reset, Holding: `"PartitionKey":"b"`})
	_, err := put(t, c, "a")
	require.NoError(t, err)
	_, err = put(t, c, "a", "b")
	require.Error(t, err)
	p.Heal()
	p.Set(httpfault.Rule{Kind: httpfault.Reset, Match: func(body []byte) bool { return len(body) > 100 }})
	require.NoError(t, list(t.Context(), c))
	_, err = put(t, c, strings.Repeat("a", 100))
	require.Error(t, err)
	p.Heal()
	f := p.Set(httpfault.Rule{Kind: httpfault.Refuse, Chance: 0.5})
	for range 50 {
		_ = list(t.Context(), c) // it fails or not
	}
	require.Greater(t, f.Hits(), int64(5))
	require.Less(t, f.Hits(), int64(45))
}

func TestEntriesFail(t *testing.T) {
	s := newTarget(t)
	p, c := proxyOf(t, s)
	p.Set(httpfault.Rule{Kind: httpfault.FailEntries, Entries: []int{0, 2}, Times: 1})
	out, err := put(t, c, "a", "b", "c", "d")
	require.NoError(t, err)
	require.EqualValues(t, 2, *out.FailedRecordCount)
	require.Len(t, out.Records, 4)
	for i, code := range []string{httpfault.Throughput, "", httpfault.Throughput, ""} {
		require.Equal(t, code, aws.ToString(out.Records[i].ErrorCode))
	}
	require.Equal(t, "b", *out.Records[1].SequenceNumber)
	require.Equal(t, "d", *out.Records[3].SequenceNumber)
	require.Equal(t, []string{"b", "d"}, s.keys())

	p.Set(httpfault.Rule{Kind: httpfault.FailEntries, Share: 1, Code: httpfault.Internal, Times: 1})
	out, err = put(t, c, "e", "f")
	require.NoError(t, err)
	require.EqualValues(t, 2, *out.FailedRecordCount)
	require.Equal(t, httpfault.Internal, *out.Records[1].ErrorCode)
	require.Equal(t, 1, s.count("PutRecords"), "nothing was left to ask")
	_, err = put(t, c, "g")
	require.NoError(t, err)
}

func TestEntriesFailInCBOR(t *testing.T) {
	s := newTarget(t)
	p, _ := proxyOf(t, s)
	call := func(keys ...string) (int, cbor.Map) {
		var entries cbor.List
		for _, k := range keys {
			entries = append(entries, cbor.Map{"PartitionKey": cbor.String(k), "Data": cbor.Slice(k)})
		}
		body := cbor.Encode(cbor.Map{"Records": entries})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Endpoint(), strings.NewReader(string(body)))
		require.NoError(t, err)
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
		req.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		v, err := cbor.Decode(text)
		require.NoError(t, err)
		return resp.StatusCode, v.(cbor.Map)
	}
	p.Set(httpfault.Rule{Kind: httpfault.FailEntries, Entries: []int{1}, Times: 1})
	status, out := call("a", "b", "c")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, cbor.Uint(1), out["FailedRecordCount"])
	require.Equal(t, cbor.String(httpfault.Throughput), out["Records"].(cbor.List)[1].(cbor.Map)["ErrorCode"])
	require.Equal(t, []string{"a", "c"}, s.keys())
	p.Set(httpfault.Rule{Kind: httpfault.Refuse})
	status, out = call("d")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Equal(t, cbor.String(httpfault.Internal), out["__type"])
}

func TestRulesThatMeanNothingPanic(t *testing.T) {
	p, _ := proxyOf(t, newTarget(t))
	for _, r := range []httpfault.Rule{
		{}, {Kind: "unknown"}, {Kind: httpfault.Delay}, {Kind: httpfault.FailEntries}, {Kind: httpfault.Reset, Skip: -1},
		{Kind: httpfault.Reset, Chance: 2},
	} {
		require.Panics(t, func() { p.Set(r) }, "%+v", r)
	}
	_, err := httpfault.Listen("nowhere", 1)
	require.Error(t, err)
}

// event is a frame of an event stream.
func event(payload string, headers ...string) []byte {
	var h []byte
	for i := 0; i < len(headers); i += 2 {
		h = append(append(h, byte(len(headers[i]))), headers[i]...)
		h = append(binary.BigEndian.AppendUint16(append(h, 7), uint16(len(headers[i+1]))), headers[i+1]...)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, h...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// closedShard is an answer of ListShards with a shard that was merged with another.
const closedShard = `{"Shards":[
	{"ShardId":"shard","SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"9"}},
	{"ShardId":"other","SequenceNumberRange":{"StartingSequenceNumber":"1"}},
	{"ShardId":"child","ParentShardId":"other","AdjacentParentShardId":"shard","HashKeyRange":{"StartingHashKey":"0",
	"EndingHashKey":"7"},"SequenceNumberRange":{"StartingSequenceNumber":"9"}}]}`

// subscriber serves one subscription as kinesis-local does, or with the first frame.
func subscriber(t *testing.T, frames ...[]byte) *kinesis.Client {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListShards") {
			_, _ = w.Write([]byte(closedShard))
			return
		}
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		for _, f := range frames {
			if f == nil { // nothing happens for a while
				time.Sleep(200 * time.Millisecond)
			}
			_, _ = w.Write(f)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	t.Cleanup(s.Close)
	p, err := httpfault.Listen(s.URL, 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return clientOf(t, p.Endpoint())
}

func subscribe(t *testing.T, c *kinesis.Client) (*kinesis.SubscribeToShardOutput, error) {
	return c.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: aws.String("arn"), ShardId: aws.String("shard"),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}})
}

func TestSubscriptionsBeginAsTheServicesDo(t *testing.T) {
	records := event(`{"ContinuationSequenceNumber":"7","MillisBehindLatest":0,"Records":[]}`, ":message-type", "event",
		":event-type", "SubscribeToShardEvent", ":content-type", "application/json")
	initial := event("{}", ":message-type", "event", ":event-type", "initial-response", ":content-type", "application/json")
	for name, frames := range map[string][][]byte{"without the frame": {records}, "with it": {initial, records}} {
		t.Run(name, func(t *testing.T) {
			out, err := subscribe(t, subscriber(t, frames...))
			require.NoError(t, err)
			got, open := <-out.GetStream().Events()
			require.True(t, open)
			told := got.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
			require.Equal(t, "7", *told.Value.ContinuationSequenceNumber)
			require.NoError(t, out.GetStream().Close())
		})
	}
	t.Run("the end of a closed shard", func(t *testing.T) {
		full := event(`{"ContinuationSequenceNumber":"8","MillisBehindLatest":0,"Records":[{"Data":"YQ==","PartitionKey":"k",`+
			`"SequenceNumber":"8"}]}`, ":message-type", "event", ":event-type", "SubscribeToShardEvent")
		out, err := subscribe(t, subscriber(t, full, records, full, records, nil, records, records))
		require.NoError(t, err)
		var got []types.SubscribeToShardEvent
		for e := range out.GetStream().Events() {
			got = append(got, e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value)
		}
		require.NoError(t, out.GetStream().Close())
		require.Len(t, got, 5, "the third idle one is the first that cannot be older than the end of the shard")
		require.Len(t, got[2].Records, 1)
		require.Nil(t, got[4].ContinuationSequenceNumber)
		require.Len(t, got[4].ChildShards, 1)
		require.Equal(t, "child", *got[4].ChildShards[0].ShardId)
		require.Equal(t, []string{"other", "shard"}, got[4].ChildShards[0].ParentShards)
	})
	t.Run("an exception", func(t *testing.T) {
		_, err := subscribe(t, subscriber(t, event(`{"message":"in use"}`, ":message-type", "exception",
			":exception-type", "ResourceInUseException", ":content-type", "application/json")))
		var inUse *types.ResourceInUseException
		require.ErrorAs(t, err, &inUse)
		require.Equal(t, "in use", *inUse.Message)
	})
	t.Run("garbage", func(t *testing.T) {
		_, err := subscribe(t, subscriber(t, []byte("no frame at all")))
		require.Error(t, err)
	})
}
