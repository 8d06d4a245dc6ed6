package streamtest

import (
	"errors"
	"reflect"
	"slices"

	"github.com/streamport-go/streamport/stream"
)

// requiring is what asks for one capability.
func requiring(name string, amount int64) stream.Requirements {
	var r stream.Requirements
	if field := reflect.ValueOf(&r).Elem().FieldByName(name); field.CanUint() {
		field.SetUint(uint64(amount))
	} else {
		field.SetInt(amount)
	}
	return r
}

// openWith opens a producer and a consumer that require something, and returns what each said.
func (t *T) openWith(name string, r stream.Requirements) (producer, consumer error) {
	p, producer := stream.NewProducer(t.ctx, t.Backend, stream.ProducerConfig{Streams: []string{name}, Require: r})
	if producer == nil {
		t.is(p.Close(t.ctx), nil, "Close of a producer")
	}
	_, consumer = stream.NewConsumer(t.ctx, t.Backend, stream.ConsumerConfig{Streams: []string{name}, Require: r})
	return producer, consumer
}

// grants fails unless a capability can be required in this amount.
func (t *T) grants(name, capability string, amount int64) {
	producer, consumer := t.openWith(name, requiring(capability, amount))
	t.is(producer, nil, "a producer that requires %s %d, which is claimed", capability, amount)
	t.is(consumer, nil, "a consumer that requires %s %d, which is claimed", capability, amount)
}

// refuses fails unless requiring a capability in this amount is refused, with a way out.
func (t *T) refuses(name, capability string, amount int64) {
	producer, consumer := t.openWith(name, requiring(capability, amount))
	for who, err := range map[string]error{"producer": producer, "consumer": consumer} {
		t.is(err, stream.ErrUnsupported, "a %s that requires %s %d, which is not claimed", who, capability, amount)
		var gaps stream.Gaps
		if !errors.As(err, &gaps) || len(gaps) != 1 {
			t.fail("a %s that requires %s %d: want one gap, got %v", who, capability, amount, err)
			continue
		}
		g := gaps[0]
		t.check(g.Name == capability && g.Stream == name,
			"the gap names %s of %s, asked was %s of %s", g.Name, g.Stream, capability, name)
		t.check(g.WayOut != "", "the gap names no way out: %v", err)
		t.check(g.Reason != "", "the gap names no reason: %v", err)
	}
}

// refusesFlag is refuses for a flag that is not claimed.
func (t *T) refusesFlag(name, flag string) {
	t.refuses(name, flag, int64(stream.Native))
}

// sourced fails unless a claim says where it comes from and why.
func (t *T) sourced(capability, source, reason string, known bool) {
	documented := []string{stream.Declared, stream.Discovered, stream.Assumed}
	t.check(slices.Contains(documented, source) || !known && source == "",
		"the source of %s is %q; it can be one of %q", capability, source, documented)
	t.check(reason != "", "%s has no reason", capability)
}

// required reports whether a capability can be required at all.
func required(capability string) bool {
	_, ok := reflect.TypeFor[stream.Requirements]().FieldByName(capability)
	return ok
}

// flagRule is the test of a flag: that it can be required as far as it is claimed, and that it holds, or that what it
// is about is refused. Either may be nil: then there is nothing to be seen beyond the requirement.
func flagRule(flag string, holds, lacks func(t *T, name string)) func(*T) {
	return func(t *T) {
		name := t.stream(2)
		f := fieldOf(t.capabilities(name), flag).(stream.Flag)
		t.answer("claimed", f.Support)
		t.sourced(flag, f.Source, f.Reason, f.Support != stream.Unknown)
		if required(flag) {
			for _, degree := range []stream.Support{stream.Emulated, stream.Native} {
				if f.Support >= degree {
					t.grants(name, flag, int64(degree))
				} else {
					t.refuses(name, flag, int64(degree))
				}
			}
		}
		switch {
		case f.Support == stream.Unknown:
			t.cannot("the backend does not know whether it has %s", flag)
		case f.Support > stream.None && holds != nil:
			holds(t, name)
		case f.Support == stream.None && lacks != nil:
			lacks(t, name)
		case !required(flag):
			t.cannot("%s is not claimed, and nothing can be asked that should be refused", flag)
		}
	}
}

// limitRule is the test of a limit: that it can be required and no more, and what holds says of its value.
func limitRule(limit string, holds func(t *T, name string, value int64)) func(*T) {
	return func(t *T) {
		name := t.stream(1)
		l := fieldOf(t.capabilities(name), limit).(stream.Limit)
		known := l.Value != 0 || l.Source != ""
		t.answer("claimed", l.Value)
		t.sourced(limit, l.Source, l.Reason, known)
		if required(limit) {
			t.requireLimit(name, limit, l.Value, known)
		}
		if !known {
			t.cannot("the backend does not know its %s", limit)
		}
		holds(t, name, l.Value)
	}
}

// enough is more than any service gives, and less than no limit.
const enough = 1 << 50

func (t *T) requireLimit(name, limit string, value int64, known bool) {
	switch {
	case value > 0:
		t.grants(name, limit, value)
		t.refuses(name, limit, value+1)
	case value < 0 || !known:
		t.refuses(name, limit, 1)
	default:
		t.grants(name, limit, enough)
	}
}
