package kafkago

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestErrorsOfTheLibraryAreMapped(t *testing.T) {
	for _, c := range []struct{ err, is error }{
		{segmentio.SASLAuthenticationFailed, stream.ErrUnauthorized},
		{segmentio.MessageSizeTooLarge, stream.ErrTooLarge},
		{segmentio.MessageTooLargeError{}, stream.ErrTooLarge},
		{segmentio.TopicAuthorizationFailed, stream.ErrUnauthorized},
		{segmentio.IllegalGeneration, stream.ErrLost},
		{segmentio.ErrGenerationEnded, stream.ErrLost},
		{segmentio.ErrGroupClosed, stream.ErrClosed},
		{protocol.NewErrNoTopic("orders"), stream.ErrNotFound},
		{protocol.NewErrNoPartition("orders", 7), stream.ErrNotFound},
		{protocol.NewErrNoLeader("orders", 7), protocol.ErrNoLeader},
		{fmt.Errorf("%w: broker appears to be expecting TLS", io.ErrUnexpectedEOF), stream.ErrInvalid},
		{context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		err := mapped(fmt.Errorf("request: %w", c.err))
		require.ErrorIs(t, err, c.is)
		require.ErrorContains(t, err, c.err.Error(), "the cause is lost")
		require.Equal(t, err.Error(), mapped(err).Error(), "mapped twice")
	}
	require.NoError(t, mapped(nil))
	require.ErrorContains(t, mapped(io.EOF), "no broker can be reached, or it closed the connection")
	require.ErrorContains(t, mapped(os.ErrDeadlineExceeded), "did not answer in time")
	code, _ := engine.CodeOf(mapped(protocol.NewErrNoLeader("orders", 7)))
	require.Equal(t, engine.NoLeader, code)
}

func TestARequestThatTheLibraryHasNoVersionOfIsUnsupported(t *testing.T) {
	var sent bytes.Buffer
	err := protocol.WriteRequest(&sent, 99, 1, "test", &metadata.Request{})
	require.ErrorIs(t, mapped(err), stream.ErrUnsupported)
	require.Empty(t, sent.Bytes())
}

func TestEveryCodeOfTheLibraryIsNamed(t *testing.T) {
	for code := int16(1); code <= 136; code++ {
		err := mapped(segmentio.Error(code))
		got, ok := engine.CodeOf(err)
		require.True(t, ok)
		require.EqualValues(t, code, got)
		require.ErrorContains(t, err, got.String())
	}
}

func TestDenialsNameWhatIsMissing(t *testing.T) {
	allow := func(resource kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	fake := fakeCluster(t, kfake.SeedTopics(1, "orders", "secret"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User("PLAIN", "alice", "pw", allow(kmsg.ACLResourceTypeTopic, "orders", kmsg.ACLOperationDescribe)))
	c := openAdmin(t, fake.ListenAddrs(), func(s *engine.Settings) {
		s.SASL = &engine.SASL{Mechanism: "PLAIN", User: "alice", Password: "pw"}
	})
	orders, err := c.Topic(t.Context(), "orders")
	require.NoError(t, err)
	denied(t, orders.ConfigsErr, "DESCRIBE_CONFIGS", "topic orders")
	_, err = c.Topic(t.Context(), "secret")
	denied(t, err, "DESCRIBE", "topic secret")
	denied(t, c.CreateTopic(t.Context(), engine.NewTopic{Name: "new"}), "CREATE", "topic new")
	_, err = c.Committed(t.Context(), "billing", "orders", []int32{0})
	denied(t, err, "DESCRIBE", "group billing")
	_, err = c.Commit(t.Context(), engine.Membership{Group: "billing", Member: "m", Generation: 1}, "orders",
		map[int32]engine.Committed{0: at(1, "")})
	denied(t, err, "READ", "group billing")
}

func denied(t *testing.T, err error, operation, resource string) {
	t.Helper()
	require.ErrorIs(t, err, stream.ErrUnauthorized)
	require.ErrorContains(t, err, operation)
	require.ErrorContains(t, err, resource)
}
