package franz_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/kafka/internal/engine"
)

func TestEagerMemberIsReadByOlderClients(t *testing.T) {
	cluster := newGroupFake(t, 2, "orders")
	versions := make(chan uint16, 10)
	cluster.ControlKey(int16(kmsg.JoinGroup), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, p := range request.(*kmsg.JoinGroupRequest).Protocols {
			versions <- binary.BigEndian.Uint16(p.Metadata)
		}
		return nil, nil, false
	})
	join(t, cluster, "a", assign(engine.Eager)).holds(t, 2)
	require.Zero(t, <-versions)
}
