//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/tcpfault"
	"github.com/streamport-go/streamport/stream"
)

// findings are defects that client libraries and brokers were seen to have, which must not come through.
func (b *brokers) findings(t *testing.T) {
	b.tests(t, map[string]func(*testing.T){
		"lost acknowledgement":       b.lostAcknowledgement,
		"given up in flight":         b.givenUpInFlight,
		"empty is not nil":           b.emptyIsNotNil,
		"retention":                  b.retention,
		"made anew, without a group": b.madeAnewAlone,
		"made anew, in a group":      b.madeAnewInGroup,
		"connections cut":            b.connectionsCut,
	})
}

// lostAcknowledgement: the broker has stored a batch and its answer is lost. The batch is sent again and stands once.
func (b *brokers) lostAcknowledgement(t *testing.T) {
	topic, way := b.topic(t, 1), b.path(t)
	p := producer(t, b.open(t, b.config(way)), stream.ProducerConfig{Streams: []string{topic}})
	lost := way.set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Times: 3})
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Key: []byte("k"), Value: fmt.Append(nil, i)}))
	}
	require.EqualValues(t, 3, lost.hits())
	require.Equal(t, want, values(b.log(t, topic, 0)))
}

// connectionsCut: batches behind each other, whose requests and answers are lost in turn, stay in order.
func (b *brokers) connectionsCut(t *testing.T) {
	topic, way := b.topic(t, 1), b.path(t)
	p := producer(t, b.open(t, b.config(way)), stream.ProducerConfig{Streams: []string{topic}})
	before := way.set(tcpfault.Rule{Kind: tcpfault.Reset, Keys: []int16{tcpfault.Produce}, Skip: 3, Times: 2})
	after := way.set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Skip: 5, Times: 4})
	var want []string
	for i := 0; before.hits() < 2 || after.hits() < 4; i++ {
		require.Less(t, i, 100_000)
		want = append(want, fmt.Sprint(i))
		p.SendAsync(bounded(t), &stream.Record{Stream: topic, Key: []byte("k"), Value: fmt.Append(nil, i)}, nil)
		if i%50 == 0 {
			require.NoError(t, p.Flush(bounded(t)))
		}
	}
	require.NoError(t, p.Flush(bounded(t)))
	require.Equal(t, want, values(b.log(t, topic, 0)))
}

// givenUpInFlight is franz-go #1484: a batch was stored, and its producer has given it up without an answer. A later batch
// of the same size must not be taken for the same one by the broker and be acknowledged without being stored.
func (b *brokers) givenUpInFlight(t *testing.T) {
	topic, way := b.topic(t, 1), b.path(t)
	p := producer(t, b.open(t, b.config(way)), stream.ProducerConfig{Streams: []string{topic}, DeliveryTimeout: time.Second})
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte("a")}))
	deaf := way.set(tcpfault.Rule{Kind: tcpfault.BlackHole, Side: tcpfault.Responses, Keys: []int16{tcpfault.Produce}})
	require.ErrorIs(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte("b")}), stream.ErrUnknownOutcome)
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := p.Send(short, &stream.Record{Stream: topic, Value: []byte("c")})
	require.ErrorIs(t, err, stream.ErrUnknownOutcome)
	deaf.remove()
	require.NoError(t, p.Flush(bounded(t)))
	acked := map[string]int64{}
	for _, value := range []string{"d", "e", "f"} {
		acked[value] = sendOne(t, p, &stream.Record{Stream: topic, Value: []byte(value)})
	}
	stored := map[string][]int64{}
	for _, r := range b.log(t, topic, 0) {
		stored[string(r.Value)] = append(stored[string(r.Value)], r.Offset)
	}
	for value, offset := range acked {
		require.Equal(t, []int64{offset}, stored[value], "acknowledged %s", value)
	}
	require.Len(t, stored["a"], 1)
	require.LessOrEqual(t, len(stored["b"]), 1)
	require.LessOrEqual(t, len(stored["c"]), 1)
}

// sendOne sends a record and returns the offset that was acknowledged.
func sendOne(t *testing.T, p stream.Producer, r *stream.Record) int64 {
	t.Helper()
	type answer struct {
		offset int64
		err    error
	}
	answers := make(chan answer, 1)
	p.SendAsync(bounded(t), r, func(a stream.Ack, err error) {
		major, _, _ := a.Position.Parts()
		answers <- answer{int64(major[2]) - 1, err}
	})
	got := <-answers
	require.NoError(t, got.err)
	return got.offset
}

// emptyIsNotNil: a value that is nil deletes its key where the log is compacted, an empty one does not.
func (b *brokers) emptyIsNotNil(t *testing.T) {
	topic := b.topic(t, 1)
	our := b.open(t, b.config(nil))
	var sent []*stream.Record
	for _, key := range [][]byte{nil, {}, []byte("k")} {
		for _, value := range [][]byte{nil, {}, []byte("v")} {
			sent = append(sent, &stream.Record{Stream: topic, Key: key, Value: value, Headers: []stream.Header{
				{Key: "", Value: nil}, {Key: "h", Value: []byte{}}, {Key: "h", Value: []byte("x")}, {Key: "h", Value: nil},
			}})
		}
	}
	require.NoError(t, producer(t, our, stream.ProducerConfig{}).Send(bounded(t), sent...))
	read := readAll(t, our, stream.ConsumerConfig{Streams: []string{topic}})
	require.Len(t, read, len(sent))
	raw := b.log(t, topic, 0)
	for i, r := range read {
		require.Equal(t, sent[i].Key, r.Key)
		require.Equal(t, sent[i].Value, r.Value)
		require.Equal(t, sent[i].Headers, r.Headers)
		require.Equal(t, r.Value == nil, raw[i].Value == nil, "as another client reads it")
		require.Equal(t, r.Key == nil, raw[i].Key == nil, "as another client reads it")
	}
}

// readAll reads to the end.
func readAll(t *testing.T, b stream.Backend, c stream.ConsumerConfig) []stream.Record {
	t.Helper()
	all, err := tryReadAll(t, b, c)
	require.NoError(t, err)
	return all
}

func tryReadAll(t *testing.T, b stream.Backend, c stream.ConsumerConfig) (all []stream.Record, err error) {
	t.Helper()
	c.End = stream.Latest()
	err = consumer(t, b, c).Run(bounded(t), stream.Each(func(_ context.Context, r *stream.Record) error {
		all = append(all, *r)
		return nil
	}))
	return all, err
}

// retention has passed the checkpoint: told with what was asked and what is left, or jumped over with an event if the
// policy says so.
func (b *brokers) retention(t *testing.T) {
	topic, our := b.topic(t, 1), b.open(t, b.config(nil))
	b.fill(t, topic, 0, 10)
	b.trim(t, topic, 0, 6)
	asked, oldest := stream.MakePosition([3]uint64{2: 3}, 0, 0), stream.MakePosition([3]uint64{2: 7}, 0, 0)
	for _, way := range []string{"", stream.ExpiredFail, stream.ExpiredOldest, stream.ExpiredLatest} {
		group := topic + way
		b.save(t, group, topic, 3, "")
		var gaps []stream.Event
		read, err := tryReadAll(t, our, stream.ConsumerConfig{
			Group: group, Streams: []string{topic}, Expired: way, Observe: func(e stream.Event) {
				if e.Kind == stream.EventGap {
					gaps = append(gaps, e)
				}
			},
		})
		switch way {
		case stream.ExpiredOldest:
			require.NoError(t, err)
			require.Len(t, read, 4)
			require.EqualValues(t, 10, b.saved(t, group, topic, 0))
		case stream.ExpiredLatest:
			require.NoError(t, err)
			require.Empty(t, read)
		default:
			require.ErrorIs(t, err, stream.ErrExpired)
			var placed *stream.Error
			require.ErrorAs(t, err, &placed)
			require.Equal(t, []string{topic, "0"}, []string{placed.Stream, placed.Partition})
			require.Zero(t, placed.Asked.Compare(asked))
			require.Zero(t, placed.Oldest.Compare(oldest))
			require.Empty(t, read, "skipped in silence")
			require.EqualValues(t, 3, b.saved(t, group, topic, 0))
			require.Empty(t, gaps)
			continue
		}
		require.Len(t, gaps, 1)
		require.Zero(t, gaps[0].Position.Compare(asked))
		require.Zero(t, gaps[0].Oldest.Compare(oldest))
	}
}

// madeAnewAlone: the records of a topic that was deleted and made again are not the old topic's, and its numbers neither.
func (b *brokers) madeAnewAlone(t *testing.T) {
	topic := b.topic(t, 1)
	b.fill(t, topic, 0, 3)
	read, ended := b.follow(t, stream.ConsumerConfig{Streams: []string{topic}})
	b.anew(t, topic, read)
	require.ErrorIs(t, within(t, ended), stream.ErrNotFound)
	select {
	case v := <-read:
		t.Fatalf("delivered from the new topic: %s", v)
	default:
	}
}

// madeAnewInGroup: the brokers forget a deleted topic's offsets, and take its partitions from the group. What is read
// after that is the new topic from its beginning, in a hold of its own, or nothing.
func (b *brokers) madeAnewInGroup(t *testing.T) {
	topic := b.topic(t, 1)
	b.fill(t, topic, 0, 3)
	read, ended := b.follow(t, stream.ConsumerConfig{Group: topic, Streams: []string{topic}})
	b.anew(t, topic, read)
	var next string
	select {
	case next = <-read:
		require.Equal(t, "0 of hold 2", next, "the old hold has read on in the new topic")
	case err := <-ended:
		require.ErrorIs(t, err, stream.ErrNotFound)
	case <-bounded(t).Done():
		t.Fatal("neither told nor read")
	}
}

// follow tells each value that is read and the number of its hold, and how Run ended.
func (b *brokers) follow(t *testing.T, c stream.ConsumerConfig) (read chan string, ended chan error) {
	read, ended = make(chan string, 100), make(chan error, 1)
	made := consumer(t, b.open(t, b.config(nil)), c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		holds := 0
		ended <- made.Run(ctx, func(ctx context.Context, p *stream.Partition) error {
			holds++
			for r, err := range p.Records(ctx) {
				if err != nil {
					return err
				}
				if c.Group != "" {
					if err := p.Checkpoint(ctx, r); err != nil {
						return err
					}
				}
				read <- fmt.Sprintf("%s of hold %d", r.Value, holds)
			}
			return ctx.Err()
		})
	}()
	return read, ended
}

// anew deletes the topic when three records were read, and makes it again with five.
func (b *brokers) anew(t *testing.T, topic string, read <-chan string) {
	t.Helper()
	for i := range 3 {
		require.Equal(t, fmt.Sprintf("%d of hold 1", i), within(t, read))
	}
	_, err := b.admin.DeleteTopics(bounded(t), topic)
	require.NoError(t, err)
	b.create(t, topic, 1)
	cl := b.client(t) // one that has not known the topic before
	for i := range 5 {
		require.NoError(t, cl.ProduceSync(bounded(t), &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
	}
}

// within receives before the test takes too long.
func within[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-bounded(t).Done():
		t.Fatal("nothing came")
	}
	return v
}
