package item

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/kinesis/internal/shard"
	"github.com/streamport-go/streamport/stream"
)

// IsLease reports whether an item is a lease of one stream's table. KCL 3 keeps items of other kinds in the same table, which
// have another entityType and no counter; keys with a colon are leases of a worker of many streams.
func IsLease(attributes map[string]Value) bool {
	if kind, ok := attributes[entityType]; ok && (kind.Type != S || kind.Text != entityLease) {
		return false
	}
	_, counted := attributes[counter]
	return counted && !strings.Contains(attributes[Key].Text, ":")
}

// Parse reads a lease. A required attribute that is absent, and a value that can be none of a lease, is an error that Is
// stream.ErrCorrupt and names the lease and the attribute.
func Parse(attributes map[string]Value) (lease.Row, error) {
	r := reader{attributes: attributes}
	row := lease.Row{
		Key:        r.filled(Key),
		Owner:      r.filled(owner),
		Counter:    r.required(counter),
		Switches:   r.required(switches),
		Checkpoint: r.filled(checkpoint),
		Sub:        r.required(sub),
		Parents:    r.set(parents),
		Children:   r.set(children),
		First:      r.filled(first),
		Last:       r.filled(last),
		HandOver:   r.filled(handOver),
		Own: lease.Own{
			Start: r.optional(start),
			Born:  r.optional(born),
			Pos:   r.optional(pos),
			Blind: r.present(blind),
		},
	}
	_, row.Pending = attributes[pending]
	row.Own.State, row.Own.Has = r.state()
	if r.wrong == "" {
		r.wrong = mistake(row)
	}
	if r.wrong != "" {
		return lease.Row{}, fmt.Errorf("%w: lease %s: %s", stream.ErrCorrupt, quoted(attributes[Key].Text), r.wrong)
	}
	return row, nil
}

// mistake says what of a row can be none of a lease; "" if nothing.
func mistake(row lease.Row) string {
	switch {
	case row.Key == "" || len(row.Key) > longestKey:
		return Key + " is empty or too long"
	case strings.Contains(row.Key, ":"):
		return Key + " is that of another stream"
	case !isWord(row.Checkpoint) && lease.Row{Checkpoint: row.Checkpoint}.Position().IsZero():
		return checkpoint + " is neither a sequence number nor a word of KCL"
	case row.Sub < 0, !isWord(row.Checkpoint) && !row.Numeric():
		return sub + " is out of range"
	case !isHash(row.First):
		return first + " is not in the space of hash keys"
	case !isHash(row.Last):
		return last + " is not in the space of hash keys"
	case slices.Contains(row.Parents, ""), slices.Contains(row.Children, ""):
		return parents + " or " + children + " has a member without a name"
	}
	return ""
}

// A reader takes attributes apart and remembers the first mistake.
type reader struct {
	attributes map[string]Value
	wrong      string
}

func (r *reader) fail(name, what string) {
	if r.wrong == "" {
		r.wrong = name + " " + what
	}
}

// filled is a text, "" if it is absent: a text that is there and empty is a mistake.
func (r *reader) filled(name string) string {
	v, ok := r.attributes[name]
	switch {
	case !ok:
	case v.Type != S:
		r.fail(name, "is no text")
	case v.Text == "":
		r.fail(name, "is empty")
	}
	return v.Text
}

func (r *reader) required(name string) int64 {
	n := r.optional(name)
	if n == nil {
		r.fail(name, "is absent")
		return 0
	}
	return *n
}

// optional is a whole number; nil if it is absent.
func (r *reader) optional(name string) *int64 {
	v, ok := r.attributes[name]
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if v.Type != N || err != nil {
		r.fail(name, "is no whole number of 64 bits")
	}
	return &n
}

// set is the members in order; nil if the attribute is absent.
func (r *reader) set(name string) []string {
	v, ok := r.attributes[name]
	switch {
	case !ok:
		return nil
	case v.Type != SS || len(v.Set) == 0 || slices.Contains(v.Set, ""):
		r.fail(name, "is no set of texts")
		return nil
	}
	return slices.Sorted(slices.Values(v.Set))
}

func (r *reader) present(name string) bool {
	v, ok := r.attributes[name]
	if ok && v.Type != Bool && v.Type != N {
		r.fail(name, "is no flag")
	}
	return ok
}

// state is the handler's, and whether it is there.
func (r *reader) state() ([]byte, bool) {
	v, ok := r.attributes[states]
	switch {
	case !ok:
		return nil, false
	case v.Type == Null:
		return []byte{}, true
	case v.Type != B:
		r.fail(states, "is not bytes")
	}
	return append([]byte{}, v.Bytes...), true
}

func isWord(checkpoint string) bool {
	switch checkpoint {
	case lease.AtOldest, lease.AtLatest, lease.AtTime, lease.AtEnd:
		return true
	}
	return false
}

// isHash accepts an unknown one too.
func isHash(decimal string) bool {
	_, ok := shard.ParseHash(decimal)
	return ok || decimal == ""
}

func quoted(key string) string {
	const most = 128
	return strconv.Quote(key[:min(len(key), most)])
}
