//go:build servers

package kafka_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/internal/testenv"
	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// badInput is what brokers decide about input that is wrong, and about input that only looks so.
func (b *brokers) badInput(t *testing.T) {
	tests := map[string]func(*testing.T){
		"names":                     func(t *testing.T) { refusesNames(t, b.open(t, b.config(nil))) },
		"topics that are not there": b.missing,
		"one of ten":                func(t *testing.T) { batchesWithOneMistake(t, b.open(t, b.config(nil)), b.topic(t, 1)) },
		"sizes":                     b.sizes,
		"a limit that is lowered":   b.loweredLimit,
		"odd keys and headers":      b.oddities,
		"times":                     b.times,
		"places":                    b.places,
		"no key where one is due":   b.noKey,
		"starts":                    b.starts,
		"saved by others":           b.savedByOthers,
		"saved ahead":               b.savedAhead,
		"checkpoints":               b.checkpoints,
		"groups that differ":        b.differentGroups,
	}
	if b.library == franzGo {
		tests["a name that is taken"] = b.takenName
	}
	b.tests(t, tests)
}

// missing topics are told in time, and are not made.
func (b *brokers) missing(t *testing.T) {
	our, name := b.open(t, b.config(nil)), fmt.Sprintf("missing-%d", time.Now().UnixNano())
	_, err := our.Capabilities(bounded(t), name)
	told(t, err, stream.ErrNotFound, name)
	_, err = stream.NewProducer(bounded(t), our, stream.ProducerConfig{Streams: []string{name}})
	told(t, err, stream.ErrNotFound, name)
	_, err = tryReadAll(t, our, stream.ConsumerConfig{Group: "g", Streams: []string{name}})
	told(t, err, stream.ErrNotFound, name)
	begun := time.Now()
	p := quickProducer(t, our, stream.ProducerConfig{})
	told(t, p.Send(bounded(t), &stream.Record{Stream: name, Value: []byte(canary)}), stream.ErrNotFound, name)
	require.Less(t, time.Since(begun), 10*time.Second)
	_, err = our.Capabilities(bounded(t), name)
	require.ErrorIs(t, err, stream.ErrNotFound, "sending has made it")
}

// sizes: the largest record that is let through is stored, and one byte more would have been refused by the brokers too.
func (b *brokers) sizes(t *testing.T) {
	const limit = 4096
	topic := b.topic(t, 1, "max.message.bytes", fmt.Sprint(limit))
	p := quickProducer(t, b.open(t, b.config(nil)), stream.ProducerConfig{Streams: []string{topic}})
	strict := b.client(t, kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic}), "franz-go counts the first one too large by three bytes")
	for name, headers := range map[string][]stream.Header{
		"plain": nil, "header": {{Key: "h", Value: []byte("v")}}, "headers": make([]stream.Header, 128),
		"large header": {{Key: strings.Repeat("h", 1000), Value: make([]byte, 1000)}},
	} {
		for _, key := range [][]byte{nil, {}, []byte("k"), make([]byte, 100)} {
			r := &stream.Record{Stream: topic, Key: key, Headers: headers}
			for engine.BatchSize(r) < limit {
				r.Value = append(r.Value, 'v')
			}
			if engine.BatchSize(r) > limit {
				continue // a longer length took two bytes
			}
			require.NoError(t, p.Send(bounded(t), r), name)
			more := *r
			more.Value = append(append([]byte{}, r.Value...), 'v')
			told(t, p.Send(bounded(t), &more), stream.ErrTooLarge, topic)
			native := &kgo.Record{Topic: topic, Key: more.Key, Value: more.Value}
			for _, h := range more.Headers {
				native.Headers = append(native.Headers, kgo.RecordHeader(h))
			}
			require.ErrorIs(t, strict.ProduceSync(bounded(t), native).FirstErr(), kerr.MessageTooLarge, name)
		}
	}
}

// loweredLimit: what brokers refuse in spite of the limit that was found out is told, and what follows goes on.
func (b *brokers) loweredLimit(t *testing.T) {
	topic := b.topic(t, 1)
	p := quickProducer(t, b.open(t, b.config(nil)), stream.ProducerConfig{Streams: []string{topic}})
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: make([]byte, 5000)}))
	_, err := b.admin.AlterTopicConfigs(bounded(t), []kadm.AlterConfig{{Name: "max.message.bytes", Value: kadm.StringPtr("1000")}}, topic)
	require.NoError(t, err)
	large := &stream.Record{Stream: topic, Value: []byte(strings.Repeat(canary, 500))}
	require.Eventually(t, func() bool { err = p.Send(t.Context(), large); return err != nil }, 10*time.Second, 50*time.Millisecond)
	told(t, err, stream.ErrTooLarge, topic)
	require.NotErrorIs(t, err, stream.ErrUnknownOutcome)
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte("small")}))
}

// oddities are kept byte for byte.
func (b *brokers) oddities(t *testing.T) {
	topic, our := b.topic(t, 1), b.open(t, b.config(nil))
	var sent []*stream.Record
	for _, key := range []string{"a\x00b", "a\nb", "\u2028", "\u00e9", "e\u0301", "\xff\xfe", strings.Repeat("k", 100_000)} {
		sent = append(sent, &stream.Record{Stream: topic, Key: []byte(key), Value: []byte(key)})
	}
	many := make([]stream.Header, 128)
	for i := range many {
		many[i] = stream.Header{Key: fmt.Sprint(i % 3), Value: []byte{byte(i)}}
	}
	sent = append(sent, &stream.Record{Stream: topic, Headers: many}, &stream.Record{Stream: topic, Headers: []stream.Header{
		{Key: "\xff\xfe", Value: []byte{0}}, {Key: strings.Repeat("h", 64<<10)}, {Key: "a\x00\n"}, {},
	}})
	require.NoError(t, producer(t, our, stream.ProducerConfig{}).Send(bounded(t), sent...))
	read := readAll(t, our, stream.ConsumerConfig{Streams: []string{topic}})
	require.Len(t, read, len(sent))
	for i, r := range read {
		require.Equal(t, sent[i].Key, r.Key)
		require.Equal(t, sent[i].Value, r.Value)
		if len(sent[i].Headers) > 0 {
			require.Equal(t, sent[i].Headers, r.Headers)
		}
	}
}

// times are kept to the millisecond, or refused: by Kafka 4 those that are more than an hour ahead (KIP-1030), by us those
// that franz-go would write as others.
func (b *brokers) times(t *testing.T) {
	topic, our := b.topic(t, 1, "retention.ms", "-1"), b.open(t, b.config(nil))
	p := quickProducer(t, our, stream.ProducerConfig{})
	fine := time.Now().Add(-time.Hour).Truncate(time.Millisecond).Add(999_999)
	for _, at := range []time.Time{time.UnixMilli(0), time.UnixMilli(1), fine} {
		require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Time: at}))
	}
	want := []int64{0, 1, fine.UnixMilli()}
	far := &stream.Record{Stream: topic, Key: []byte(canary), Time: time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC)}
	if err := p.Send(bounded(t), far); b.Version() == testenv.VersionTV1 {
		require.NoError(t, err)
		want = append(want, far.Time.UnixMilli())
	} else {
		told(t, err, stream.ErrInvalid, topic)
	}
	for _, year := range []int{2263, 9999} {
		far.Time = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		told(t, p.Send(bounded(t), far), stream.ErrInvalid, topic)
	}
	before := time.Now()
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic}))
	read := readAll(t, our, stream.ConsumerConfig{Streams: []string{topic}})
	require.Len(t, read, len(want)+1)
	for i, at := range want {
		require.Equal(t, at, read[i].Time.UnixMilli())
	}
	require.WithinDuration(t, before, read[len(want)].Time, 10*time.Second)
}

// places that a topic does not have, and partitioners that fail, cost the one record.
func (b *brokers) places(t *testing.T) {
	topic := b.topic(t, 3)
	send := func(c kafka.Config, partition string) error {
		p := quickProducer(t, b.open(t, c), stream.ProducerConfig{Streams: []string{topic}})
		err := p.Send(bounded(t), &stream.Record{Stream: topic, Key: []byte(canary), Value: []byte(canary), Partition: partition})
		if c.PlaceByRecord {
			require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Partition: "2"}), "what follows goes on")
		}
		return err
	}
	placed := b.config(nil)
	placed.PlaceByRecord = true
	for partition, want := range map[string]error{
		"-1": stream.ErrInvalid, "x": stream.ErrInvalid, "1.0": stream.ErrInvalid, "99999999999": stream.ErrInvalid,
		"3": stream.ErrNotFound, "2147483647": stream.ErrNotFound,
	} {
		told(t, send(placed, partition), want, topic)
	}
	chosen := b.config(nil)
	for name, choose := range map[string]kafka.Partitioner{
		"panics":    func(r *stream.Record, _ int) int { panic(string(r.Key)) },
		"index":     func(r *stream.Record, _ int) int { return int(r.Key[len(r.Key)+1]) },
		"count":     func(_ *stream.Record, n int) int { return n },
		"no number": func(*stream.Record, int) int { return int(^uint(0) >> 1) },
	} {
		chosen.Partitioner = choose
		err := send(chosen, "")
		told(t, err, stream.ErrInvalid, topic)
		require.NotErrorIs(t, err, stream.ErrUnknownOutcome, name)
	}
	chosen.Partitioner = func(*stream.Record, int) int { return -7 }
	require.NoError(t, send(chosen, "9"), "the default chooses, and Partition is not looked at")
}

// noKey: a compacted topic takes no record without a key; the others of the batch are kept apart from it.
func (b *brokers) noKey(t *testing.T) {
	topic := b.topic(t, 1, "cleanup.policy", "compact")
	p := quickProducer(t, b.open(t, b.config(nil)), stream.ProducerConfig{Streams: []string{topic}})
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Key: []byte("k"), Value: []byte("1")}))
	told(t, p.Send(bounded(t), &stream.Record{Stream: topic, Value: []byte(canary)}), stream.ErrInvalid, topic)
	require.NoError(t, p.Send(bounded(t), &stream.Record{Stream: topic, Key: []byte{}, Value: []byte("2")}), "an empty key is one")
	require.Equal(t, []string{"1", "2"}, values(b.log(t, topic, 0)))
}

// starts after positions that cannot be, or are not yet.
func (b *brokers) starts(t *testing.T) {
	topic, our := b.topic(t, 2), b.open(t, b.config(nil))
	b.fill(t, topic, 0, 5)
	for name, c := range map[string]struct {
		after stream.Position
		want  error
	}{
		"of a service with larger numbers": {stream.MakePosition([3]uint64{0, 1, 1}, 0, 0), stream.ErrInvalid},
		"inside an aggregate":              {stream.MakePosition([3]uint64{2: 3}, 7, 0), stream.ErrInvalid},
		"negative":                         {stream.MakePosition([3]uint64{2: 1<<64 - 3}, 0, 0), stream.ErrInvalid},
		"the largest":                      {stream.MakePosition([3]uint64{2: 1<<63 - 1}, 0, 0), stream.ErrInvalid},
		"in the future":                    {after(1000), stream.ErrExpired},
	} {
		var read int
		made := consumer(t, our, stream.ConsumerConfig{Streams: []string{topic}, Partitions: []string{"0"}, Start: stream.After(c.after)})
		err := made.Run(bounded(t), stream.Each(func(context.Context, *stream.Record) error { read++; return nil }))
		told(t, err, c.want)
		require.Zero(t, read, name)
	}
	for partition, want := range map[string]error{"-1": stream.ErrInvalid, "x": stream.ErrInvalid, "01": stream.ErrInvalid, "2": stream.ErrNotFound} {
		_, err := tryReadAll(t, our, stream.ConsumerConfig{Streams: []string{topic}, Partitions: []string{partition}})
		told(t, err, want)
	}
}

// savedByOthers: what another program stored for the group is no state, but its offset counts; what claims to be a state
// and is none is an error, and the group does not begin anew.
func (b *brokers) savedByOthers(t *testing.T) {
	topic, our := b.topic(t, 1), b.open(t, b.config(nil))
	b.fill(t, topic, 0, 5)
	for name, c := range map[string]struct {
		at       int64
		metadata string
		want     error
		read     int
	}{
		"another program's": {3, "host-7 \u2028 " + canary, nil, 2},
		"not base64":        {3, "sp1:%%%" + canary, stream.ErrCorrupt, 0},
		"cut off":           {3, "sp1:QUJ", stream.ErrCorrupt, 0},
		"padded":            {3, "sp1:QUI=", stream.ErrCorrupt, 0},
	} {
		t.Run(name, func(t *testing.T) {
			group := topic + strings.ReplaceAll(name, " ", "-")
			b.save(t, group, topic, c.at, c.metadata)
			read, err := tryReadAll(t, our, stream.ConsumerConfig{Group: group, Streams: []string{topic}})
			require.Len(t, read, c.read)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			told(t, err, c.want, topic)
			require.EqualValues(t, c.at, b.saved(t, group, topic, 0), "the offset was overwritten")
		})
	}
}

// savedAhead: an offset behind the log's end is no end to wait for: the log has lost what was there.
func (b *brokers) savedAhead(t *testing.T) {
	topic, read := b.topic(t, 1), 0
	b.fill(t, topic, 0, 5)
	b.save(t, topic, topic, 1000, "")
	c := consumer(t, b.open(t, b.config(nil)), stream.ConsumerConfig{Group: topic, Streams: []string{topic}})
	err := c.Run(bounded(t), stream.Each(func(context.Context, *stream.Record) error { read++; return nil }))
	told(t, err, stream.ErrExpired, topic+"/0")
	require.Zero(t, read)
	require.EqualValues(t, 1000, b.saved(t, topic, topic, 0))
}

// checkpoints of records that this hold did not deliver change nothing.
func (b *brokers) checkpoints(t *testing.T) {
	topic, our := b.topic(t, 2), b.open(t, b.config(nil))
	b.fill(t, topic, 0, 5)
	c := consumer(t, our, stream.ConsumerConfig{Group: topic, Streams: []string{topic}, End: stream.Latest()})
	require.NoError(t, c.Run(bounded(t), func(ctx context.Context, p *stream.Partition) error {
		var kept []stream.Record
		for r, err := range p.Records(ctx) {
			if err != nil {
				return err
			}
			kept = append(kept, *r)
			if len(kept) != 3 {
				continue
			}
			require.NoError(t, p.Checkpoint(ctx, r))
			for name, wrong := range map[string]*stream.Record{
				"nothing":          nil,
				"an empty one":     {},
				"not delivered":    {Stream: topic, Partition: "0", Position: after(4)},
				"in the future":    {Stream: topic, Partition: "0", Position: after(1000)},
				"from elsewhere":   {Stream: topic, Partition: "1", Position: after(1)},
				"of another topic": {Stream: "elsewhere", Partition: "0", Position: after(1)},
			} {
				err := p.Checkpoint(ctx, wrong)
				require.Error(t, err, name)
				told(t, err, stream.ErrInvalid, topic+"/0")
				require.EqualValues(t, 3, b.saved(t, topic, topic, 0), name)
			}
			require.NoError(t, p.Checkpoint(ctx, &kept[0]), "what is done already")
			require.EqualValues(t, 3, b.saved(t, topic, topic, 0))
			told(t, p.CheckpointState(ctx, r, make([]byte, 1<<20)), stream.ErrTooLarge, topic+"/0")
			require.EqualValues(t, 3, b.saved(t, topic, topic, 0))
		}
		if len(kept) == 0 {
			return nil
		}
		return p.Checkpoint(ctx, &kept[len(kept)-1])
	}))
	require.EqualValues(t, 5, b.saved(t, topic, topic, 0))
}

// takenName: of two static members of one name the brokers keep the later one, and the earlier one is told.
func (b *brokers) takenName(t *testing.T) {
	topic := b.topic(t, 1)
	b.fill(t, topic, 0, 1)
	config := b.config(nil)
	config.StaticMembers = true
	run := func() (ran chan error, read chan string) {
		ran, read = make(chan error, 1), make(chan string, 10)
		c := consumer(t, b.open(t, config), stream.ConsumerConfig{Group: topic, Member: "m", Streams: []string{topic}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		t.Cleanup(func() { cancel(); <-done })
		go func() {
			defer close(done)
			ran <- c.Run(ctx, stream.Each(func(_ context.Context, r *stream.Record) error {
				read <- string(r.Value)
				return nil
			}))
		}()
		return ran, read
	}
	earlier, first := run()
	within(t, first)
	later, second := run()
	told(t, within(t, earlier), stream.ErrLost)
	b.fill(t, topic, 0, 1)
	within(t, second)
	select {
	case err := <-later:
		t.Fatalf("the later one has ended: %v", err)
	default:
	}
}

// differentGroups: members of one group share in one way, and in none that the brokers do not have.
func (b *brokers) differentGroups(t *testing.T) {
	topic := b.topic(t, 1)
	held := granted(t, b.by(franzGo).join(t, nil, kafka.Cooperative, topic, "cooperative"))
	for _, how := range []kafka.Assignment{kafka.Eager, kafka.Server} {
		want := stream.ErrInvalid
		if how == kafka.Server {
			if b.Version() != testenv.VersionTV1 || b.library == kafkaGo {
				continue // Kafka 4 lets such a group go over, and kafka-go does not know that assignment
			}
			want = stream.ErrUnsupported
		}
		config := b.config(nil)
		config.Assignment = how
		_, err := tryReadAll(t, b.open(t, config), stream.ConsumerConfig{Group: topic, Streams: []string{topic}})
		told(t, err, want)
	}
	require.NoError(t, held.Checkpoint(bounded(t), stream.Checkpoint{Position: after(0)}), "the group goes on")
}
