package stream

import "time"

// A Start says where a group, or a reading without a group, begins in a stream; as ConsumerConfig.End it says where a
// reading ends. The zero Start is the oldest record that is kept; as an end it means that there is none.
//
// A group's Start applies once: to the partitions that exist when the group first reads the stream. It is saved before
// the first record is fetched; partitions that appear later are served from their beginning.
type Start struct {
	kind  string // "": oldest
	time  time.Time
	after Position
}

// Latest is the end of the stream at the moment of opening. As an end, it is the last stable position: a transaction
// that is open at that moment is not waited for.
func Latest() Start { return Start{kind: StartLatest} }

// Since is just before the first record whose time is t or later. A backend without event time counts the time at which
// a record arrived.
func Since(t time.Time) Start { return Start{kind: StartSince, time: t} }

// After is just after position p, of one partition: it needs exactly one in ConsumerConfig.Partitions.
func After(p Position) Start { return Start{kind: StartAfter, after: p} }

// Parts is for backends: the kind (StartOldest, StartLatest, StartSince or StartAfter), the time of a Since and the
// position of an After.
func (s Start) Parts() (kind string, t time.Time, after Position) {
	if s.kind == "" {
		return StartOldest, s.time, s.after
	}
	return s.kind, s.time, s.after
}
