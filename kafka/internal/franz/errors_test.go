package franz

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

func TestErrorsOfTheLibraryAreMapped(t *testing.T) {
	for _, c := range []struct{ err, is error }{
		{kgo.ErrClientClosed, stream.ErrClosed},
		{&kgo.ErrDecompressTooLarge{Topic: "orders"}, stream.ErrCorrupt},
		{errors.New("unexpected data in oauth response"), stream.ErrUnauthorized},
		{errors.New("broker is too old; the broker has already indicated it"), stream.ErrUnsupported},
		{kerr.SaslAuthenticationFailed, stream.ErrUnauthorized},
		{kerr.MessageTooLarge, stream.ErrTooLarge},
		{kerr.TopicAuthorizationFailed, stream.ErrUnauthorized},
		{context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		err := mapped(fmt.Errorf("request: %w", c.err))
		require.ErrorIs(t, err, c.is)
		require.ErrorIs(t, err, c.err, "the cause is lost")
		require.Equal(t, err, mapped(err), "mapped twice")
	}
	require.NoError(t, mapped(nil))
}

func TestTheLibraryKnowsEveryCodeByTheSameName(t *testing.T) {
	for code := int16(1); code <= 136; code++ {
		err := mapped(kerr.ErrorForCode(code))
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
