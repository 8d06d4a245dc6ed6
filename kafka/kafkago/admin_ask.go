package kafkago

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

const (
	// retryFor is how long is waited for leaders, coordinators and controllers that move: twice the time that a killed
	// broker's partitions and groups were seen to take until others had them.
	retryFor      = 15 * time.Second
	mostQuestions = 3                     // how often a question is asked that was not answered
	askPause      = 20 * time.Millisecond // after the first try; the pauses double up to askPauseMax
	askPauseMax   = time.Second
)

// question asks a broker, or any for "". It asks again what only a broken connection, or a broker that let it wait for too
// long, has left without an answer: it is for requests that may be sent twice. Where no connection can be made there is no
// second try.
func question[A protocol.Message](ctx context.Context, l *lines, address string, request protocol.Message) (answer A, err error) {
	pause := askPause
	for try := 1; ; try++ {
		told, err := l.ask(ctx, address, request)
		if err == nil {
			return told.(A), nil
		}
		if _, coded := engine.CodeOf(mapped(err)); coded || isDial(err) || !isPassing(err) || try == mostQuestions {
			return answer, mapped(err)
		}
		if ended := wait(ctx, pause); ended != nil {
			return answer, mapped(ending(ended, err))
		}
		pause *= 2
	}
}

// ending is the end of a context, with what was tried last.
func ending(ended, err error) error {
	if err == nil || errors.Is(err, ended) {
		return cmp.Or(err, ended)
	}
	return fmt.Errorf("%w: %w", ended, err)
}

// unsure adds that an earlier request may have been done.
func unsure(unknown bool, err error) error {
	if !unknown || err == nil || errors.Is(err, stream.ErrUnknownOutcome) {
		return err
	}
	return fmt.Errorf("%w: %w", stream.ErrUnknownOutcome, err)
}

// metadataOf asks any broker for topics; none where there are none, which is not the same as nil, all.
func (c *client) metadataOf(ctx context.Context, topics []string) (*metadata.Response, error) {
	return question[*metadata.Response](ctx, c.lines, "", &metadata.Request{TopicNames: topics})
}

// brokers are the brokers that are alive.
func (c *client) brokers(ctx context.Context) ([]metadata.ResponseBroker, error) {
	answer, err := c.metadataOf(ctx, []string{})
	if err != nil {
		return nil, err
	}
	if len(answer.Brokers) == 0 {
		return nil, errors.New("no broker is alive")
	}
	return answer.Brokers, nil
}

// addressesOf are the brokers' addresses, by number.
func addressesOf(brokers []metadata.ResponseBroker) map[int32]string {
	all := make(map[int32]string, len(brokers))
	for _, b := range brokers {
		all[b.NodeID] = addressOf(b)
	}
	return all
}

// the is the one topic that was asked for.
func the(topics []metadata.ResponseTopic, name string) (metadata.ResponseTopic, error) {
	if len(topics) != 1 {
		return metadata.ResponseTopic{}, fmt.Errorf("%w: the brokers do not tell of it", stream.ErrNotFound)
	}
	err := engine.Denied(engine.Map(engine.Failed(topics[0].ErrorCode, nil)), "DESCRIBE", "topic "+name)
	return topics[0], err
}

// wait sleeps, but not beyond the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
