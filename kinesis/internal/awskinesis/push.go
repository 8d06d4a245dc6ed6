package awskinesis

import (
	"bytes"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/eventstream"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// A push is the protocol of one subscription. The SDK's own, which all calls of a client share, decodes events into a
// buffer of its own, so that two subscriptions would write to it at once (smithy-go issue 714).
//
// It also takes what the SDK does not: an exception in the first frame, where the initial response should be, which the SDK
// reports without its type; and a first frame that is an event already, as emulators send it.
type push struct {
	*awsjson.Protocol
	first []byte // the frame that came instead of the initial response; nil: it has been read
}

func newPush() *push { return &push{Protocol: awsjson.New11(schemas.Kinesis_20131202)} }

// DeserializeInitialResponse reads the first frame.
func (p *push) DeserializeInitialResponse(_ *smithy.Schema, r io.Reader, _ smithy.Deserializable) error {
	seen := &source{Reader: r}
	message, err := eventstream.NewDecoder().Decode(seen, nil)
	if err != nil {
		return seen.explain(err)
	}
	kind, event := message.Headers.Get(eventstream.MessageTypeHeader), message.Headers.Get(eventstream.EventTypeHeader)
	isEvent := kind != nil && kind.String() == eventstream.EventMessageType
	if isEvent && event != nil && event.String() == "initial-response" {
		return nil
	}
	var frame bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&frame, message); err != nil {
		return &unreadable{err}
	}
	if isEvent {
		p.first = frame.Bytes()
		return nil
	}
	_, err = p.DeserializeEventMessage(schemas.SubscribeToShardEventStream, kinesis.TypeRegistry, &frame)
	return err
}

// DeserializeEventMessage reads a frame. A broken connection is io.EOF.
func (p *push) DeserializeEventMessage(
	schema *smithy.Schema, types *smithy.TypeRegistry, r io.Reader,
) (smithy.Deserializable, error) {
	if p.first != nil {
		r = bytes.NewReader(p.first)
		p.first = nil
	}
	seen := &source{Reader: r}
	event, err := p.Protocol.DeserializeEventMessage(schema, types, seen)
	var said smithy.APIError
	if err == nil || errors.As(err, &said) {
		return event, err
	}
	return nil, seen.explain(err)
}

// A source remembers that it could not be read on.
type source struct {
	io.Reader
	broken bool
}

// Read reads from the connection.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.broken = s.broken || err != nil
	return n, err
}

// explain tells the end of a connection, wherever in a frame, from a frame that does not decode.
func (s *source) explain(err error) error {
	if s.broken {
		return io.EOF
	}
	return &unreadable{err}
}

// An unreadable is an answer that does not decode.
type unreadable struct{ err error }

// Error says no more, since the cause may quote the answer.
func (*unreadable) Error() string { return errUnreadable.Error() }
