package awskinesis

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// Subscribe implements api.Service.
func (s *Service) Subscribe(ctx context.Context, consumerARN, shard string, from api.From) (api.Subscription, error) {
	in := &kinesis.SubscribeToShardInput{
		ConsumerARN: &consumerARN, ShardId: &shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorType(from.Kind)},
	}
	in.StartingPosition.SequenceNumber, in.StartingPosition.Timestamp = place(from)
	c := s.reading("SubscribeToShard")
	bound, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(c.timeout, cancel) // the call has a limit, the subscription has none
	w := &watch{}
	own := func(o *kinesis.Options) { o.Protocol = newPush() }
	out, err := s.client.SubscribeToShard(context.WithValue(bound, watchKey{}, w), in, own)
	late.Stop()
	if err != nil {
		err = c.failure(ctx, bound, w, err)
		cancel()
		return nil, err
	}
	made := &subscription{call: c, events: out.GetStream(), cancel: cancel, answered: time.Now()}
	made.date, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
	made.unwatch = context.AfterFunc(bound, made.end)
	return made, nil
}

// A subscription is an event stream of the SDK's.
type subscription struct {
	call     call
	events   *kinesis.SubscribeToShardEventStream
	cancel   context.CancelFunc
	unwatch  func() bool
	date     time.Time // the service's clock in the answer that began it
	answered time.Time // when that came
	once     sync.Once
}

// Next implements api.Subscription.
func (s *subscription) Next(ctx context.Context) (api.Page, error) {
	for {
		select {
		case <-ctx.Done():
			return api.Page{}, ctx.Err()
		case event, open := <-s.events.Events():
			if !open {
				return api.Page{}, s.ending()
			}
			if e, ok := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); ok {
				return s.page(&e.Value)
			}
		}
	}
}

// ending is why there are no more events.
func (s *subscription) ending() error {
	err := s.events.Err()
	if err == nil {
		return io.EOF
	}
	e := &api.Error{Op: s.call.op, Status: 200}
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code, e.Message = said.ErrorCode(), s.call.words(said.ErrorCode(), said.ErrorMessage())
		return e
	}
	e.Err = errUnreadable
	return e
}

// page checks that an event is the shard's end in each of its parts or in none: half an end is no end (KCL refuses such
// events too).
func (s *subscription) page(e *types.SubscribeToShardEvent) (api.Page, error) {
	page := api.Page{Continue: aws.ToString(e.ContinuationSequenceNumber), Behind: behind(e.MillisBehindLatest)}
	page.Children = children(e.ChildShards)
	page.End = page.Continue == ""
	if page.End != (len(page.Children) > 0) {
		return api.Page{}, s.call.strange(errors.New("an event that is half an end"))
	}
	var err error
	if page.Records, page.Bytes, err = records(e.Records); err != nil {
		return api.Page{}, s.call.strange(err)
	}
	if !s.date.IsZero() {
		page.Date = s.date.Add(time.Since(s.answered)) // events have none of their own
	}
	return page, nil
}

// Close ends the subscription and waits for what reads it.
func (s *subscription) Close() error {
	s.unwatch()
	s.end()
	return nil
}

func (s *subscription) end() {
	s.once.Do(func() {
		s.cancel()
		_ = s.events.Close() // says how the stream ended, which Next has said
		if reader, ok := s.events.Reader.(interface{ Closed() <-chan struct{} }); ok {
			<-reader.Closed()
		}
	})
}
