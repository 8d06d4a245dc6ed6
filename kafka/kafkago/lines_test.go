package kafkago

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestATransportAsksForItsTopicsOnly(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders", "payments", "secret"))
	l := openLines(t, fake.ListenAddrs())
	var (
		mu    sync.Mutex // guards asked
		asked []string
	)
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		topics := r.(*kmsg.MetadataRequest).Topics
		if topics == nil {
			asked = append(asked, "all")
		}
		for _, topic := range topics {
			asked = append(asked, *topic.Topic)
		}
		return nil, nil, false
	})
	told := func(topics ...string) map[string]bool {
		mu.Lock()
		asked = nil
		mu.Unlock()
		_, err := l.transport(topics).RoundTrip(t.Context(), l.seeds(), &metadata.Request{})
		require.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		names := map[string]bool{}
		for _, name := range asked {
			names[name] = true
		}
		return names
	}
	require.Empty(t, told())
	require.Contains(t, told("orders"), "orders")
	require.Equal(t, map[string]bool{"orders": true, "payments": true}, told("payments"))
	require.Same(t, l.transport([]string{"orders"}), l.transport([]string{"payments", "orders"}))
}

func TestATransportThatWasReplacedEnds(t *testing.T) {
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders", "payments"))
	var conns tally
	l := openLines(t, fake.ListenAddrs(), func(s *engine.Settings) { s.Dial = conns.dial })
	first := l.transport([]string{"orders"})
	ask := func() {
		_, err := first.RoundTrip(t.Context(), l.seeds(), listRequest("orders", []int32{0}, timeLatest, readUncommitted))
		require.NoError(t, err)
	}
	isIdle := func() bool {
		open, _ := conns.counts()
		return open == 0
	}
	ask()
	require.False(t, isIdle())
	l.transport([]string{"payments"})
	require.Eventually(t, isIdle, 10*time.Second, time.Millisecond)
	ask() // by somebody who held it
	l.transport([]string{"returns"})
	require.Eventually(t, isIdle, 10*time.Second, time.Millisecond)
}

func TestCloseLeavesNothingOfAnyTransport(t *testing.T) {
	fake := fakeCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(6, "orders", "payments"))
	before := goleak.IgnoreCurrent()
	var conns tally
	s := sinkSettings(fake.ListenAddrs())
	s.Dial = conns.dial
	l, err := newLines(s, "")
	require.NoError(t, err)
	held := make(chan struct{})
	fake.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.SleepControl(func() { <-held })
		return nil, nil, false
	})
	var wg sync.WaitGroup
	for _, topics := range [][]string{{"orders"}, {"orders", "payments"}} {
		transport := l.transport(topics)
		for number := range int32(6) {
			wg.Go(func() {
				request := listRequest("orders", []int32{number}, timeLatest, readUncommitted)
				_, _ = transport.RoundTrip(l.base, l.seeds(), request)
			})
		}
	}
	lent := l.native()
	_, err = lent.Metadata(t.Context(), &segmentio.MetadataRequest{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { open, _ := conns.counts(); return open > 3 }, 10*time.Second, time.Millisecond)
	l.close()
	wg.Wait()
	close(held)
	open, _ := conns.counts()
	require.Zero(t, open)
	goleak.VerifyNone(t, before)
	_, err = l.transport([]string{"late"}).RoundTrip(l.base, l.seeds(), &apiversions.Request{})
	require.Error(t, err)
	_, err = l.ask(t.Context(), "", &metadata.Request{})
	require.ErrorIs(t, err, stream.ErrClosed)
}

func TestCloseEndsDialsUnderWay(t *testing.T) {
	dialing := make(chan struct{}, 1)
	l := openLines(t, []string{"broker:9092"}, func(s *engine.Settings) {
		s.RequestOverhead = time.Hour
		s.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialing <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	failed := make(chan error, 1)
	go func() {
		_, err := l.ask(context.Background(), "", &metadata.Request{})
		failed <- err
	}()
	<-dialing
	l.close()
	require.ErrorIs(t, <-failed, stream.ErrClosed)
}

func TestCloseEndsWhatWaitsForAnAnswer(t *testing.T) {
	got := make(chan struct{}, 8)
	address := listening(t, func(conn net.Conn) {
		got <- struct{}{}
		silent(conn)
	})
	l := openLines(t, []string{address}, func(s *engine.Settings) { s.RequestOverhead = time.Hour })
	failed := make(chan error, 2)
	go func() {
		_, err := l.ask(context.Background(), "", &metadata.Request{})
		failed <- err
	}()
	go func() {
		_, err := l.transport(nil).RoundTrip(l.base, l.seeds(), &metadata.Request{})
		failed <- err
	}()
	<-got
	<-got
	l.close()
	require.Error(t, <-failed)
	require.Error(t, <-failed)
}
