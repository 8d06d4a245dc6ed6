package franz

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// A callback is how franz-go tells of partitions.
type callback = func(context.Context, *kgo.Client, map[string][]int32)

// joined notes that the group took the member.
func (m *member) joined(then callback) callback {
	return func(ctx context.Context, native *kgo.Client, topics map[string][]int32) {
		m.taken.Store(0)
		then(ctx, native, topics)
	}
}

// hears makes a callback from a method of the Listener. franz-go also calls for no partitions.
func (m *member) hears(tell func([]engine.Partition)) callback {
	return func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
		if ps := partitionsOf(topics); len(ps) > 0 {
			m.call(func() { tell(ps) })
		}
	}
}

// call calls the Listener, once at a time.
func (m *member) call(tell func()) {
	m.calls <- struct{}{}
	defer func() { <-m.calls }()
	if !m.dead.Load() {
		tell()
	}
}

// partitionsOf lists partitions by topic and number.
func partitionsOf(topics map[string][]int32) []engine.Partition {
	var ps []engine.Partition
	for topic, numbers := range topics {
		for _, number := range numbers {
			ps = append(ps, engine.Partition{Topic: topic, Number: number})
		}
	}
	slices.SortFunc(ps, func(a, b engine.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	return ps
}

// A manageHook hears why a session in the group has ended. franz-go then waits and joins again.
type manageHook func(error)

// OnGroupManageError is kgo.HookGroupManageError.
func (h manageHook) OnGroupManageError(err error) { h(err) }

// listen takes the errors that the client has for whoever polls it. It never has records.
func (m *member) listen(alive context.Context) {
	for alive.Err() == nil {
		m.native.PollFetches(alive).EachError(func(topic string, _ int32, err error) {
			var session *kgo.ErrGroupSession
			if topic != "" && !errors.As(err, &session) {
				m.managed(err)
			}
		})
	}
}

// managed ends the member if err cannot heal. Going on after it would, for one, fence the member that has this one's
// instance id now.
func (m *member) managed(err error) {
	told := lacking(err, engine.GroupDenied, "READ", "group "+m.identity.Group)
	if m.gone.Load() || !isIncurable(told) || errors.Is(told, kerr.UnreleasedInstanceID) && !m.isTaken(time.Now()) {
		return
	}
	m.failure.Do(func() {
		m.gone.Store(true)
		//lint:ignore SA1012 nil asks not to be waited for.
		_ = m.native.LeaveGroupContext(nil)
		m.call(func() { m.listener.Failed(told) })
	})
}

// takenFor is how long an instance id may be another member's before it is taken for a mistake. After a crash it is the
// crashed member's until its session is over, which brokers bound to a minute (group.consumer.max.session.timeout.ms).
const takenFor = 75 * time.Second

func (m *member) isTaken(now time.Time) bool {
	m.taken.CompareAndSwap(0, now.UnixNano())
	return now.Sub(time.Unix(0, m.taken.Load())) > takenFor
}

// incurable are answers that joining again does not change: what the brokers refuse for the configuration, and an instance
// id that another member has. What is forbidden is told by stream.ErrUnauthorized.
var incurable = [...]error{
	kerr.FencedInstanceID, kerr.UnreleasedInstanceID, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
	kerr.InconsistentGroupProtocol, kerr.UnsupportedAssignor, kerr.InvalidRegularExpression, kerr.UnsupportedVersion,
}

func isIncurable(err error) bool {
	for _, answer := range incurable {
		if errors.Is(err, answer) {
			return true
		}
	}
	return errors.Is(err, stream.ErrUnauthorized)
}
