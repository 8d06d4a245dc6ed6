package awskinesis_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/awskinesis"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
)

const (
	one = `{"ContinuationSequenceNumber":"51","MillisBehindLatest":1500,"Records":[
		{"Data":"b25l","PartitionKey":"a","SequenceNumber":"49","ApproximateArrivalTimestamp":1.7E9}]}`
	none = `{"ContinuationSequenceNumber":"52","MillisBehindLatest":0,"Records":[]}`
	end  = `{"MillisBehindLatest":0,"Records":[],"ChildShards":[{"ShardId":"shard-1","ParentShards":["shard-0"],
		"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}]}`
)

func subscribe(t *testing.T, w *wire) (api.Subscription, error) {
	t.Helper()
	return awskinesis.New(config(w)).Subscribe(t.Context(), "consumer", "shard-0", api.From{Kind: api.AfterSequence, Sequence: "48"})
}

func TestEventsAreRead(t *testing.T) {
	w := streamed(initial(t), event(t, one), event(t, none), event(t, end))
	s, err := subscribe(t, w)
	require.NoError(t, err)
	defer s.Close()
	page, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "49", page.Records[0].Sequence)
	require.Equal(t, "51", page.Continue)
	require.Equal(t, 1500*time.Millisecond, page.Behind)
	require.Equal(t, 4, page.Bytes)
	require.Equal(t, int64(1_700_000_000), page.Date.Unix())
	page, err = s.Next(t.Context())
	require.NoError(t, err)
	require.Empty(t, page.Records)
	require.Equal(t, "52", page.Continue)
	page, err = s.Next(t.Context())
	require.NoError(t, err)
	require.True(t, page.End)
	require.Equal(t, []shard.Child{{ID: "shard-1", Parents: []string{"shard-0"}, Range: shard.Range{Last: shard.Hash{Low: 9}}}}, page.Children)
	_, err = s.Next(t.Context())
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, map[string]any{
		"ConsumerARN": "consumer", "ShardId": "shard-0",
		"StartingPosition": map[string]any{"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "48"},
	}, w.input(t, 0))
}

// Emulators send no initial response.
func TestFirstFrameMayBeAnEvent(t *testing.T) {
	s, err := subscribe(t, streamed(event(t, one), event(t, none)))
	require.NoError(t, err)
	defer s.Close()
	for _, want := range []string{"51", "52"} {
		page, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, page.Continue)
	}
}

func TestExceptionInTheFirstFrameIsNamed(t *testing.T) {
	_, err := subscribe(t, streamed(exception(t, "ResourceInUseException")))
	require.Equal(t, api.InUse, api.CodeOf(err))
}

func TestExceptionLaterIsNamed(t *testing.T) {
	s, err := subscribe(t, streamed(initial(t), event(t, one), exception(t, "ResourceInUseException")))
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Next(t.Context())
	require.NoError(t, err)
	_, err = s.Next(t.Context())
	require.Equal(t, api.InUse, api.CodeOf(err))
}

func TestRefusedSubscriptionIsNamed(t *testing.T) {
	_, err := subscribe(t, always(400, `{"__type":"ResourceInUseException","message":"taken"}`))
	require.Equal(t, api.InUse, api.CodeOf(err))
}

// What breaks a subscription off is never the shard's end, and never a page.
func TestBrokenSubscriptions(t *testing.T) {
	whole := event(t, one)
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)/2] ^= 1
	for name, c := range map[string]struct {
		frames [][]byte
		ended  bool // a connection's end, not an error
	}{
		"ended":            {nil, true},
		"truncated":        {[][]byte{whole[:len(whole)-5]}, true},
		"truncated header": {[][]byte{whole[:7]}, true},
		"damaged":          {[][]byte{damaged}, false},
		"garbage":          {[][]byte{[]byte("<html>this is no event stream at all</html>")}, false},
		"payload":          {[][]byte{event(t, `{"Records":[s3cret`)}, false},
		"empty event":      {[][]byte{event(t, `{}`)}, false},
		"no children":      {[][]byte{event(t, `{"MillisBehindLatest":0,"Records":[]}`)}, false},
		"children only":    {[][]byte{event(t, `{"ContinuationSequenceNumber":"5","Records":[],"ChildShards":[{"ShardId":"s"}]}`)}, false},
		"no number":        {[][]byte{event(t, `{"ContinuationSequenceNumber":"5","Records":[{"Data":""}]}`)}, false},
		"no type":          {[][]byte{frame(t, one)}, false},
		"unknown message":  {[][]byte{frame(t, one, ":message-type", "other")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := subscribe(t, streamed(append([][]byte{initial(t)}, c.frames...)...))
			require.NoError(t, err)
			defer s.Close()
			page, err := s.Next(t.Context())
			require.Zero(t, page)
			if c.ended {
				require.ErrorIs(t, err, io.EOF)
				return
			}
			var e *api.Error
			require.ErrorAs(t, err, &e)
			require.NotContains(t, err.Error(), "s3cret")
			_, err = s.Next(t.Context())
			require.Error(t, err)
		})
	}
	for name, first := range map[string][]byte{"garbage": []byte("<html>this is no event stream</html>"), "nothing": nil, "truncated": initial(t)[:20]} {
		t.Run("first "+name, func(t *testing.T) {
			_, err := subscribe(t, streamed(first))
			var e *api.Error
			require.ErrorAs(t, err, &e)
			require.Empty(t, e.Code)
		})
	}
}

func TestUnknownEventsAreSkipped(t *testing.T) {
	s, err := subscribe(t, streamed(initial(t), frame(t, "{}", ":message-type", "event", ":event-type", "New"), event(t, none)))
	require.NoError(t, err)
	defer s.Close()
	page, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "52", page.Continue)
}

// An endless is a body that gives what is written and ends when it is closed or its request is over.
func endless(r *http.Request, first []byte) io.ReadCloser {
	read, write := io.Pipe()
	stop := context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
	go func() {
		_, _ = write.Write(first)
	}()
	return body{read, func() { stop(); _ = read.Close() }}
}

type body struct {
	io.Reader
	close func()
}

func (b body) Close() error {
	b.close()
	return nil
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// open answers with a subscription that goes on.
func open(first ...[]byte) trip {
	return func(r *http.Request) (*http.Response, error) {
		var all []byte
		for _, f := range first {
			all = append(all, f...)
		}
		response := respond(200, "application/vnd.amazon.eventstream", nil)
		response.ContentLength, response.Body, response.Request = -1, endless(r, all), r
		return response, nil
	}
}

func TestSubscriptionEnds(t *testing.T) {
	for name, finish := range map[string]func(api.Subscription, context.CancelFunc){
		"by Close":       func(s api.Subscription, _ context.CancelFunc) { _ = s.Close() },
		"by its context": func(_ api.Subscription, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s, err := awskinesis.New(config(open(initial(t), event(t, none)))).Subscribe(ctx, "c", "shard-0", api.From{Kind: api.Oldest})
				require.NoError(t, err)
				defer s.Close()
				_, err = s.Next(t.Context())
				require.NoError(t, err)
				ended := make(chan error, 1)
				go func() {
					_, err := s.Next(context.WithoutCancel(t.Context()))
					ended <- err
				}()
				synctest.Wait()
				finish(s, cancel)
				require.Error(t, <-ended)
			})
		})
	}
}

// A subscription has no time limit, and a Next that is given up loses nothing.
func TestSubscriptionOutlivesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(open(initial(t), event(t, none)))
		c.RequestTimeout = time.Second
		s, err := awskinesis.New(c).Subscribe(t.Context(), "c", "shard-0", api.From{Kind: api.Oldest})
		require.NoError(t, err)
		defer s.Close()
		synctest.Wait()
		time.Sleep(4 * time.Minute)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = s.Next(over); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			_, err = s.Next(t.Context())
		}
		require.NoError(t, err)
		waited, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = s.Next(waited)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// Under -race: the SDK's own protocol is shared by all subscriptions of a client, and they write to one buffer.
func TestSubscriptionsDoNotShareState(t *testing.T) {
	s := awskinesis.New(config(streamed(initial(t), event(t, one), event(t, none), event(t, end))))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				open, err := s.Subscribe(context.Background(), "c", "shard-0", api.From{Kind: api.Oldest})
				if err != nil {
					t.Error(err)
					return
				}
				pages := 0
				for {
					if _, err := open.Next(context.Background()); err != nil {
						break
					}
					pages++
				}
				if err := open.Close(); err != nil || pages != 3 {
					t.Error(pages, err)
				}
			}
		})
	}
	all.Wait()
}
