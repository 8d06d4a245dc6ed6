package kafka_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka"
	"github.com/streamport-go/streamport/stream"
	"github.com/streamport-go/streamport/stream/streamtest"
)

// errFixed says that Kafka has no request for what is asked.
var errFixed = fmt.Errorf("%w: Kafka neither splits nor merges partitions", stream.ErrUnsupported)

// harnessOf opens c and gives the suite what can be done to any cluster by requests alone.
func harnessOf(t testing.TB, l library, c kafka.Config) streamtest.Harness {
	return streamtest.Harness{
		Backend: l.opened(t, c),
		Expel:   func(group, member string) error { return expel(t.Context(), c, group, member) },
		Grow:    func(topic string, partitions int) error { return grow(t.Context(), c, topic, partitions) },
		Split:   func(string, string) error { return errFixed },
		Merge:   func(string, string, string) error { return errFixed },
		Trim: func(topic, partition string, before stream.Position) error {
			return trim(t.Context(), c, topic, partition, before)
		},
		Reopen: func(ctx context.Context) (stream.Backend, error) { return l.open(ctx, c) },
	}
}

// asks lets a client ask that is none of the backend's, on the same network.
func asks(c kafka.Config, ask func(*kgo.Client) error) error {
	options := []kgo.Opt{kgo.SeedBrokers(c.Brokers...)}
	if c.Dial != nil {
		options = append(options, kgo.Dialer(c.Dial))
	}
	cl, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer cl.Close()
	return ask(cl)
}

// expel has the group take a member for dead: the group is told that it leaves, and it is not.
func expel(ctx context.Context, c kafka.Config, group, member string) error {
	return asks(c, func(cl *kgo.Client) error { return expelClassic(ctx, cl, group, member) })
}

func expelClassic(ctx context.Context, cl *kgo.Client, group, member string) error {
	classic, err := kadm.NewClient(cl).DescribeGroups(ctx, group)
	if err != nil {
		return err
	}
	for _, m := range classic[group].Members {
		if !of(m.ClientID, member) {
			continue
		}
		request := kmsg.NewPtrLeaveGroupRequest()
		leaver := kmsg.NewLeaveGroupRequestMember()
		leaver.MemberID = m.MemberID
		request.Group, request.Members = group, append(request.Members, leaver)
		_, err := request.RequestWith(ctx, cl)
		return err
	}
	return expelShared(ctx, cl, group, member)
}

// expelShared is expelClassic where the coordinator shares the partitions (KIP-848): a member leaves by the epoch -1.
func expelShared(ctx context.Context, cl *kgo.Client, group, member string) error {
	shared, err := kadm.NewClient(cl).DescribeConsumerGroups(ctx, group)
	if err != nil {
		return err
	}
	for _, m := range shared[group].Members {
		if !of(m.ClientID, member) {
			continue
		}
		request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		request.Group, request.MemberID, request.MemberEpoch = group, m.MemberID, -1
		_, err := request.RequestWith(ctx, cl)
		return err
	}
	return fmt.Errorf("%w: no member %s in group %s", stream.ErrNotFound, member, group)
}

// of reports whether a client is a member's: its id ends with the member's name.
func of(client, member string) bool { return strings.HasSuffix(client, "-"+member) }

// grow adds partitions to a topic until there are so many.
func grow(ctx context.Context, c kafka.Config, topic string, partitions int) error {
	return asks(c, func(cl *kgo.Client) error {
		answers, err := kadm.NewClient(cl).UpdatePartitions(ctx, partitions, topic)
		if err != nil {
			return err
		}
		return answers.Error()
	})
}

// trim deletes the records of a partition that stand before a position.
func trim(ctx context.Context, c kafka.Config, topic, partition string, before stream.Position) error {
	n, err := strconv.ParseInt(partition, 10, 32)
	if err != nil {
		return err
	}
	major, _, _ := before.Parts()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, int32(n), int64(major[2])-1, -1)
	return asks(c, func(cl *kgo.Client) error {
		answers, err := kadm.NewClient(cl).DeleteRecords(ctx, offsets)
		if err != nil {
			return err
		}
		return answers.Error()
	})
}
