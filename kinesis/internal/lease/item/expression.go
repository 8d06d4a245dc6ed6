package item

import (
	"fmt"
	"strings"

	"github.com/streamport-go/streamport/kinesis/internal/lease"
	"github.com/streamport-go/streamport/stream"
)

// A Write is the expressions of a conditional write with what their placeholders stand for. Every attribute has one, since
// names may be words that DynamoDB reserves.
type Write struct {
	Condition string
	Update    string // "": nothing changes
	Names     map[string]string
	Values    map[string]Value
}

// Absent is the condition of a write that makes a lease.
func Absent() Write {
	var w writer
	w.absent(Key)
	return w.done()
}

// Counted is the condition that a lease's counter is n.
func Counted(n int64) Write {
	var w writer
	w.equal(counter, number(n))
	return w.done()
}

// Express is a change of a lease. What can never be written is an error that Is stream.ErrInvalid or stream.ErrTooLarge.
func Express(c lease.Change) (Write, error) {
	if err := check(c); err != nil {
		return Write{}, err
	}
	var w writer
	w.conditions(c)
	w.hold(c)
	w.progress(c)
	w.lineage(c)
	return w.done(), nil
}

// check refuses what a row could not be read back from.
func check(c lease.Change) error {
	probe := lease.Row{Key: "key", Checkpoint: lease.AtOldest, Parents: c.Parents, Children: c.Children}
	if c.Checkpoint != nil {
		probe.Checkpoint, probe.Sub = *c.Checkpoint, c.Sub
	}
	if c.First != nil {
		probe.First = *c.First
	}
	if c.Last != nil {
		probe.Last = *c.Last
	}
	what := mistake(probe)
	if c.Checkpoint != nil && c.AddSwitch {
		what = switches + " cannot be raised by what sets it to zero"
	}
	if what != "" {
		return fmt.Errorf("%w: %s", stream.ErrInvalid, what)
	}
	if c.State != nil {
		return checkState(*c.State)
	}
	return nil
}

// A writer puts expressions together.
type writer struct {
	write            Write
	when             []string
	set, remove, add []string
}

// conditions begins with what makes the item a lease: only leases have a counter.
func (w *writer) conditions(c lease.Change) {
	if c.Counter != nil {
		w.equal(counter, number(*c.Counter))
	} else {
		w.exists(counter)
	}
	w.textIs(owner, c.Owner)
	w.textIs(handOver, c.HandOverIs)
	if c.IsBlind {
		w.exists(blind)
	}
	if c.NotEnded {
		w.when = append(w.when, w.name(checkpoint)+" <> "+w.value(text(lease.AtEnd)))
	}
	if c.StartAbsent {
		w.absent(start)
	}
}

func (w *writer) hold(c lease.Change) {
	if c.Raise {
		w.raise(counter)
	}
	w.putText(owner, c.SetOwner)
	w.putText(handOver, c.SetHandOver)
	if c.AddSwitch {
		w.raise(switches)
	}
}

// progress writes a checkpoint as KCL does: it sets the switches to zero and drops a prepared checkpoint.
func (w *writer) progress(c lease.Change) {
	if c.Checkpoint != nil {
		w.put(checkpoint, text(*c.Checkpoint))
		w.put(sub, number(c.Sub))
		w.put(switches, number(0))
		w.drop(pending)
		w.drop(pendingSub)
		w.drop(pendingBlob)
	}
	switch {
	case c.State == nil:
	case *c.State == nil:
		w.drop(states)
	default:
		w.put(states, state(*c.State))
	}
	w.putNumber(pos, c.Pos)
}

func (w *writer) lineage(c lease.Change) {
	w.putSet(parents, c.Parents)
	w.putSet(children, c.Children)
	w.putText(first, c.First)
	w.putText(last, c.Last)
	w.putNumber(start, c.Start)
	w.putNumber(born, c.Born)
	switch {
	case c.Blind == nil:
	case *c.Blind:
		w.put(blind, truth())
	default:
		w.drop(blind)
	}
}

// textIs asks for a text, for the absence of one if it is empty, and for nothing if it is nil.
func (w *writer) textIs(name string, is *string) {
	switch {
	case is == nil:
	case *is == "":
		w.absent(name)
	default:
		w.equal(name, text(*is))
	}
}

func (w *writer) equal(name string, v Value) {
	w.when = append(w.when, w.name(name)+" = "+w.value(v))
}

func (w *writer) exists(name string) {
	w.when = append(w.when, "attribute_exists("+w.name(name)+")")
}

func (w *writer) absent(name string) {
	w.when = append(w.when, "attribute_not_exists("+w.name(name)+")")
}

func (w *writer) put(name string, v Value) {
	w.set = append(w.set, w.name(name)+" = "+w.value(v))
}

func (w *writer) drop(name string) { w.remove = append(w.remove, w.name(name)) }

func (w *writer) raise(name string) {
	w.add = append(w.add, w.name(name)+" "+w.value(number(1)))
}

// putText removes what is set to nothing; nil leaves it.
func (w *writer) putText(name string, to *string) {
	switch {
	case to == nil:
	case *to == "":
		w.drop(name)
	default:
		w.put(name, text(*to))
	}
}

// putSet removes a set without members, which DynamoDB does not have; nil leaves it.
func (w *writer) putSet(name string, to []string) {
	switch {
	case to == nil:
	case len(to) == 0:
		w.drop(name)
	default:
		w.put(name, set(to))
	}
}

func (w *writer) putNumber(name string, to *int64) {
	if to != nil {
		w.put(name, number(*to))
	}
}

// name is the placeholder of an attribute.
func (w *writer) name(attribute string) string {
	if w.write.Names == nil {
		w.write.Names = map[string]string{}
	}
	w.write.Names["#"+attribute] = attribute
	return "#" + attribute
}

// value is the placeholder of a value.
func (w *writer) value(v Value) string {
	if w.write.Values == nil {
		w.write.Values = map[string]Value{}
	}
	placeholder := fmt.Sprintf(":v%d", len(w.write.Values))
	w.write.Values[placeholder] = v
	return placeholder
}

func (w *writer) done() Write {
	var sections []string
	section := func(name string, actions []string) {
		if len(actions) > 0 {
			sections = append(sections, name+" "+strings.Join(actions, ", "))
		}
	}
	section("SET", w.set)
	section("REMOVE", w.remove)
	section("ADD", w.add)
	w.write.Condition = strings.Join(w.when, " AND ")
	w.write.Update = strings.Join(sections, " ")
	return w.write
}
