package stream

import (
	"math"
	"reflect"
)

// A fact is one field of Capabilities, whatever its type, in the form that Missing, Diff and the table share.
type fact struct {
	name    string
	known   bool
	value   string  // in words, without the source
	amounts []int64 // more of each is better; empty: there is no better
	assured int64   // what a requirement is compared with
	ceiling int64   // to what configuration can raise assured; math.MaxInt64: nobody says that there is an end
	source  string
	reason  string
}

// boundless is the amount of a limit that is not there.
const boundless = math.MaxInt64

// facts returns one fact for each field, in the order of the fields.
func (c Capabilities) facts() []fact {
	v := reflect.ValueOf(c)
	facts := make([]fact, 0, v.NumField())
	for field, value := range v.Fields() {
		var f fact
		switch v := value.Interface().(type) {
		case Flag:
			f = v.fact()
		case Limit:
			f = v.fact(measureOf(field.Name))
		case Retention:
			f = v.fact()
		case int:
			f = fact{known: v > 0, value: measureOf(field.Name).spell(int64(v))}
		}
		f.name = field.Name
		f.reason = oneLine(f.reason)
		if !f.known {
			f.value = Unknown.String()
		}
		facts = append(facts, f)
	}
	return facts
}

func (f Flag) fact() fact {
	degree := int64(f.Support)
	return fact{
		known: f.Support != Unknown, value: f.Support.String(),
		amounts: []int64{degree}, assured: degree, ceiling: degree,
		source: f.Source, reason: f.Reason,
	}
}

func (l Limit) fact(m measure) fact {
	f := fact{known: true, assured: l.Value, ceiling: boundless, source: l.Source, reason: l.Reason}
	switch {
	case l.Value > 0:
		f.value = m.spell(l.Value)
	case l.Value < 0:
		f.value, f.assured = "nothing", -1
	default:
		f.known = l.Source != ""
		f.value, f.assured = "no limit", boundless
	}
	f.amounts = []int64{f.assured}
	if l.Hard && l.Value != 0 {
		f.value += ", hard"
		f.ceiling = f.assured
	}
	return f
}

func (r Retention) fact() fact {
	age, raised, bytes := int64(r.Current), int64(max(r.Max, r.Current)), int64(boundless)
	f := fact{known: r.Current > 0, value: spell(r.Current), source: r.Source, reason: r.Reason}
	if r.Unlimited {
		age, raised = boundless, boundless
		f.known, f.value = true, "unlimited"
	}
	f.assured, f.ceiling = age, raised
	if !r.Unlimited && r.Max == 0 {
		f.ceiling = boundless
	}
	if !r.Unlimited && r.Max > r.Current {
		f.value += ", can be raised to " + spell(r.Max)
	}
	if r.Bytes > 0 {
		bytes, f.assured = r.Bytes, 0
		f.value += ", but at most " + measureOf("Bytes").spell(r.Bytes) + " a partition"
	}
	f.amounts = []int64{age, raised, bytes}
	return f
}
