package field

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// judge compares what was put in with what came out.
func (x *exactly) judge(ctx context.Context, v *Verdict) error {
	var err error
	if v.Uncommitted, err = x.astray(ctx); err != nil {
		return err
	}
	if v.Hanging, err = hanging(ctx, x.admin, outputs); err != nil {
		return err
	}
	in, _, err := x.read(ctx, inputs)
	if err != nil {
		return err
	}
	out, aborts, err := x.read(ctx, outputs)
	if err != nil {
		return err
	}
	v.compare(in, out)
	v.Aborts = aborts
	if x.Java {
		v.JavaDiffers, err = x.askJava(ctx, out)
	}
	return err
}

// compare counts by the text of an output: the input's partition, position and number.
func (v *Verdict) compare(in, out []*kgo.Record) {
	v.Inputs, v.Outputs = len(in), len(out)
	fed := map[string]bool{}
	for _, r := range in {
		fed[string(r.Value)] = true
	}
	v.Misfed = max(v.Sent, len(in)) - len(fed)
	made := map[string][]time.Time{}
	for _, r := range out {
		made[string(r.Value)] = append(made[string(r.Value)], r.Timestamp)
	}
	during := make([]bool, len(v.kills))
	for _, r := range in {
		text := fmt.Sprintf("%d %s %s", r.Partition, positionText(r), r.Value)
		times := made[text]
		v.Duplicated += max(0, len(times)-1)
		if len(times) == 0 {
			v.Lost++
		}
		for _, at := range times {
			v.sawKills(during, r.Timestamp, at)
		}
		delete(made, text)
	}
	v.Foreign = len(made)
	for i, k := range v.kills {
		switch {
		case during[i] && k.what == killedBroker:
			v.Brokers++
		case during[i]:
			v.Workers++
		}
	}
}

// sawKills marks the kills between the times at which an input and its output were made.
func (v *Verdict) sawKills(during []bool, in, out time.Time) {
	for i, k := range v.kills {
		during[i] = during[i] || in.Before(k.at) && k.at.Before(out)
	}
}

// positionText is the text form of the position of a record: its offset plus one, and its leader epoch plus one.
func positionText(r *kgo.Record) string { return fmt.Sprintf("%d@%d", r.Offset+1, r.LeaderEpoch+1) }

// read reads a topic from its beginning to its end, committed records only, and counts the marks of aborted transactions.
func (x *exactly) read(ctx context.Context, topic string) (all []*kgo.Record, aborts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ends, err := x.admin.ListEndOffsets(ctx, topic)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, 0, err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(x.cluster.Bootstrap()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return nil, 0, err
	}
	defer client.Close()
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, 0, fmt.Errorf("read %s: %d partitions were not at their end: %w", topic, len(left), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			switch {
			case !r.Attrs.IsControl():
				all = append(all, r)
			case isAbort(r):
				aborts++
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return all, aborts, nil
}

// isAbort reports whether a control record ends an aborted transaction: its key is a version and a type, of which 0 is
// abort (KIP-98).
func isAbort(r *kgo.Record) bool { return bytes.Equal(r.Key, []byte{0, 0, 0, 0}) }

// askJava lets Java's own consumer read the outputs, and counts what it sees otherwise.
func (x *exactly) askJava(ctx context.Context, out []*kgo.Record) (int, error) {
	text, err := x.cluster.RunJava(ctx, oracle, strings.Join(x.cluster.Bootstrap(), ","), outputs)
	if err != nil {
		return 0, err
	}
	seen := map[string]int{}
	for line := range bytes.Lines(text) {
		seen[string(bytes.TrimRight(line, "\n"))]++
	}
	for _, r := range out {
		seen[fmt.Sprintf("%d %d %s", r.Partition, r.Offset, r.Value)]--
	}
	differ := 0
	for _, n := range seen {
		if n != 0 {
			differ++
		}
	}
	return differ, nil
}

// oracle prints partition, offset and value of every committed record of a topic.
const oracle = `
import java.io.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Oracle {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("isolation.level", "read_committed");
        p.put("enable.auto.commit", "false");
        p.put("key.deserializer", StringDeserializer.class.getName());
        p.put("value.deserializer", StringDeserializer.class.getName());
        try (KafkaConsumer<String, String> c = new KafkaConsumer<>(p);
             PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, "UTF-8")) {
            List<TopicPartition> all = new ArrayList<>();
            c.partitionsFor(args[1]).forEach(i -> all.add(new TopicPartition(args[1], i.partition())));
            c.assign(all);
            c.seekToBeginning(all);
            Map<TopicPartition, Long> ends = c.endOffsets(all);
            long deadline = System.currentTimeMillis() + 60_000;
            while (all.stream().anyMatch(t -> c.position(t) < ends.get(t))) {
                if (System.currentTimeMillis() > deadline) throw new IllegalStateException("not at the end after 60 s");
                for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(500))) {
                    out.printf("%d %d %s\n", r.partition(), r.offset(), r.value());
                }
            }
        }
    }
}
`
