package memory

import (
	"fmt"

	"github.com/streamport-go/streamport/stream"
)

// An Op is a kind of call at which a fault can be injected.
type Op string

// The calls. An Append counts once a record and try, everything else once a call.
const (
	OpOpen         Op = "open" // OpenSink and OpenSource
	OpEnsure       Op = "ensure"
	OpCapabilities Op = "capabilities"
	OpLag          Op = "lag"
	OpAppend       Op = "append" // inside a transaction too
	OpBegin        Op = "begin"
	OpCommit       Op = "commit"
	OpAbort        Op = "abort"
	OpNext         Op = "next"
	OpSeek         Op = "seek"
	OpFetch        Op = "fetch"
	OpCheckpoint   Op = "checkpoint"
	OpRelease      Op = "release"
)

var ops = []Op{
	OpOpen, OpEnsure, OpCapabilities, OpLag, OpAppend, OpBegin, OpCommit, OpAbort, OpNext, OpSeek, OpFetch, OpCheckpoint,
	OpRelease,
}

func (o Op) check() error {
	for _, known := range ops {
		if o == known {
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q is no operation of the simulator", stream.ErrInvalid, string(o))
}

// A Where narrows a fault to some calls; an empty field matches all. A call that has no such place, as Next has no
// partition, does not match a field that is set.
type Where struct {
	Stream, Partition string
	Group, Member     string // Member is a producer's too
}

func (w Where) matches(at Where) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(w.Stream, at.Stream) && same(w.Partition, at.Partition) &&
		same(w.Group, at.Group) && same(w.Member, at.Member)
}

// String returns "stream/partition group:member", without what is empty.
func (w Where) String() string {
	s := w.Stream
	if w.Partition != "" {
		s += "/" + w.Partition
	}
	if w.Group != "" || w.Member != "" {
		if s != "" {
			s += " "
		}
		s += w.Group + ":" + w.Member
	}
	return s
}
