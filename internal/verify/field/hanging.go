package field

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// noHangIn is after what time no transaction is open any more: brokers look every 10 s for those whose time is over.
const noHangIn = workerTx + 15*time.Second

// hanging waits until every transaction of a topic is decided, and counts the partitions where that does not happen.
func hanging(ctx context.Context, admin *kadm.Client, topic string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, noHangIn)
	defer cancel()
	for {
		n, err := undecided(ctx, admin, topic)
		if err == nil && n == 0 || n > 0 && ctx.Err() != nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return 0, errors.Join(err, ctx.Err())
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

// undecided counts the partitions of which the last stable offset is not the end.
func undecided(ctx context.Context, admin *kadm.Client, topic string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err = errors.Join(err, ends.Error()); err != nil {
		return 0, err
	}
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err = errors.Join(err, stable.Error()); err != nil {
		return 0, err
	}
	n := 0
	ends.Each(func(end kadm.ListedOffset) {
		if at, _ := stable.Lookup(topic, end.Partition); at.Offset < end.Offset {
			n++
		}
	})
	return n, nil
}
