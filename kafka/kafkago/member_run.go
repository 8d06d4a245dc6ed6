package kafkago

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/streamport-go/streamport/kafka/internal/engine"
	"github.com/streamport-go/streamport/stream"
)

// Pauses between joins that fail.
const (
	joinPause     = 100 * time.Millisecond
	mostJoinPause = time.Second
)

// run is the member's life. Joining ends a little after the member is to leave.
func (m *member) run(alive, joining context.Context) {
	defer close(m.ended)
	defer m.lines.close()
	defer m.cut()
	for !m.isClosing() {
		topics, err := m.awaitTopics(alive)
		if len(topics) > 0 {
			err = m.attend(alive, joining, topics)
		}
		if err != nil {
			m.gone.Store(true)
			m.call(func() { m.listener.Failed(err) })
			return
		}
	}
}

// awaitTopics returns the topics to join for, once there are some. None without an error: the member is to leave.
func (m *member) awaitTopics(alive context.Context) ([]string, error) {
	for failures := 0; !m.isClosing(); failures++ {
		topics, err := m.topics.resolve(alive)
		if len(topics) > 0 {
			return topics, nil
		}
		if m.isIncurable(err) {
			return nil, m.told(err)
		}
		m.pause(failures)
	}
	return nil, nil
}

// attend is in the group for these topics until others are to be read, too. An error is one that does not heal.
func (m *member) attend(alive, joining context.Context, topics []string) error {
	g, err := m.newGroup(alive, topics)
	if err != nil {
		return m.told(err)
	}
	defer g.close()
	for failures := 0; ; {
		generation, err := g.native.Next(joining)
		switch {
		case err == nil:
			failures = 0
			h := m.hold(alive, g, generation)
			if h.next == rejoining {
				h.letGo()
				continue
			}
			m.leave(alive)
			g.close(h.letGo)
			return h.failure
		case m.isClosing():
			m.leave(alive)
			return nil
		case m.isIncurable(err):
			m.leave(alive)
			return m.told(err)
		}
		m.forgotten(alive, err)
		m.pause(failures)
		failures++
	}
}

// pause waits, unless the member is to leave.
func (m *member) pause(failures int) {
	timer := time.NewTimer(min(joinPause<<min(failures, 10), mostJoinPause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.closing:
	}
}

// forgotten leaves the group as who the member was: after an error kafka-go joins as somebody new, and the group would wait
// for the old one. A join that was not answered may have been heard.
func (m *member) forgotten(ctx context.Context, err error) {
	told := mapped(err)
	m.settings.Logger.Warn("the group was not joined, which is tried again", "group", m.config.Group, "error", told)
	code, answered := engine.CodeOf(told)
	if code == rebalancing {
		return
	}
	id := m.id()
	m.became("", -1)
	if id == "" && !answered && !isDial(told) {
		id = m.coordinator.whoIs(ctx, m.lines.id)
	}
	if id != "" {
		m.coordinator.leave(ctx, id)
	}
}

// leave leaves the group as who the member is. One whose first join is under way does not know; the group does.
func (m *member) leave(ctx context.Context) {
	id := m.id()
	m.became("", -1)
	if m.dead.Load() {
		return
	}
	if id == "" {
		id = m.coordinator.whoIs(ctx, m.lines.id)
	}
	if id != "" {
		m.coordinator.leave(ctx, id)
	}
}

// told is mapped, and names the right that is missing.
func (m *member) told(err error) error {
	told := mapped(err)
	switch code, _ := engine.CodeOf(told); code {
	case engine.GroupDenied:
		return engine.Denied(told, "READ", "group "+m.config.Group)
	case engine.TopicDenied:
		return engine.Denied(told, "DESCRIBE", "topics "+strings.Join(m.config.Topics, ", "))
	}
	if strings.Contains(told.Error(), "no matching versions were found") { // kafka-go gives it no type
		return fmt.Errorf("%w: %w", stream.ErrUnsupported, told)
	}
	return told
}

// isIncurable reports whether joining again does not help: what is forbidden, and what the brokers refuse for the
// configuration.
func (m *member) isIncurable(err error) bool {
	if err == nil {
		return false
	}
	told := m.told(err)
	switch code, _ := engine.CodeOf(told); code {
	case inconsistentProtocol, invalidGroup, invalidSession:
		return true
	}
	return errors.Is(told, stream.ErrUnauthorized) || errors.Is(told, stream.ErrUnsupported)
}

// Answers of a group's coordinator.
const (
	inconsistentProtocol engine.Code = 23
	invalidGroup         engine.Code = 24
	invalidSession       engine.Code = 26
	rebalancing          engine.Code = 27
)
