package fakekinesis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// Types of an attribute's value (API type AttributeValue).
const (
	kindS    = "S"
	kindN    = "N"
	kindB    = "B"
	kindBool = "BOOL"
	kindNull = "NULL"
	kindSS   = "SS"
	kindNS   = "NS"
	kindBS   = "BS"
	kindL    = "L"
	kindM    = "M"
)

// A Value is the value of an attribute. The zero Value is none. It reads and writes the JSON of the wire: {"S":"text"}.
type Value struct {
	kind  string
	text  string   // S; N in normal form; B as it is
	truth bool     // BOOL
	set   []string // SS, NS, BS: sorted
	list  []Value  // L
	dict  Item     // M
}

// Text is a string, a number in decimal, or bytes.
func (v Value) Text() string { return v.text }

// Kind is the type's name on the wire.
func (v Value) Kind() string { return v.kind }

// UnmarshalJSON reads the wire's form, and refuses what the service refuses.
func (v *Value) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	if len(fields) != 1 {
		return invalid("Supplied AttributeValue must contain exactly one of the supported datatypes")
	}
	for kind, raw := range fields {
		v.kind = kind
		return v.read(raw)
	}
	return nil
}

// read fills in a value of the type that is set.
func (v *Value) read(raw []byte) error {
	switch v.kind {
	case kindS:
		return json.Unmarshal(raw, &v.text)
	case kindN:
		return v.readNumber(raw)
	case kindB:
		var b []byte
		err := json.Unmarshal(raw, &b)
		v.text = string(b)
		return err
	case kindBool:
		return json.Unmarshal(raw, &v.truth)
	case kindNull:
		var null bool
		if err := json.Unmarshal(raw, &null); err != nil || !null {
			return invalid("Null attribute value types must have the value of true")
		}
		return nil
	case kindSS, kindNS, kindBS:
		return v.readSet(raw)
	case kindL:
		return json.Unmarshal(raw, &v.list)
	case kindM:
		return json.Unmarshal(raw, &v.dict)
	}
	return invalid("Supplied AttributeValue has an unknown datatype: %s", v.kind)
}

func (v *Value) readNumber(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	n, err := normal(text)
	v.text = n
	return err
}

func (v *Value) readSet(raw []byte) error {
	if err := json.Unmarshal(raw, &v.set); err != nil {
		return err
	}
	if len(v.set) == 0 {
		return invalid("An %s set may not be empty", setName[v.kind])
	}
	for i, member := range v.set {
		var err error
		switch v.kind {
		case kindNS:
			v.set[i], err = normal(member)
		case kindBS:
			var b []byte
			b, err = base64.StdEncoding.DecodeString(member)
			v.set[i] = string(b)
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(v.set)
	if len(slices.Compact(slices.Clone(v.set))) != len(v.set) {
		return invalid("Input collection contains duplicates")
	}
	return nil
}

// setName is what messages of the service call a set.
var setName = map[string]string{kindSS: "string", kindNS: "number", kindBS: "binary"}

// MarshalJSON writes the wire's form.
func (v Value) MarshalJSON() ([]byte, error) {
	var what any
	switch v.kind {
	case kindS, kindN:
		what = v.text
	case kindB:
		what = []byte(v.text)
	case kindBool:
		what = v.truth
	case kindNull:
		what = true
	case kindSS, kindNS:
		what = v.set
	case kindBS:
		members := make([][]byte, len(v.set))
		for i, member := range v.set {
			members[i] = []byte(member)
		}
		what = members
	case kindL:
		what = append([]Value{}, v.list...) // empty is [], not null
	case kindM:
		what = v.dict.clone()
	}
	return json.Marshal(map[string]any{v.kind: what})
}

// equal is the service's =: of one type and of one value.
func (v Value) equal(o Value) bool {
	return v.kind == o.kind && v.text == o.text && v.truth == o.truth && slices.Equal(v.set, o.set) &&
		slices.EqualFunc(v.list, o.list, Value.equal) && v.dict.equal(o.dict)
}

// less is the service's <, of one type; false where the type has no order or the types differ.
func (v Value) less(o Value) bool {
	if v.kind != o.kind {
		return false
	}
	switch v.kind {
	case kindS, kindB:
		return v.text < o.text
	case kindN:
		return number(v.text).Cmp(number(o.text)) < 0
	}
	return false
}

// ordered reports whether values of this type can be compared by <.
func (v Value) ordered() bool { return v.kind == kindS || v.kind == kindN || v.kind == kindB }

// size is what the value counts towards an item's 400 KB (developer guide, item sizes and formats).
func (v Value) size() int {
	const overhead = 3 // of a list or a map, and 1 byte for each element
	switch v.kind {
	case kindS, kindB:
		return len(v.text)
	case kindN:
		return numberSize(v.text)
	case kindSS, kindBS:
		n := 0
		for _, member := range v.set {
			n += len(member)
		}
		return n
	case kindNS:
		n := 0
		for _, member := range v.set {
			n += numberSize(member)
		}
		return n
	case kindL:
		n := overhead
		for _, e := range v.list {
			n += 1 + e.size()
		}
		return n
	case kindM:
		return overhead + len(v.dict) + v.dict.size()
	}
	return 1 // BOOL and NULL
}

// An Item is attributes by their names.
type Item map[string]Value

// ReadItem reads the wire's form: {"leaseKey":{"S":"text"}}.
func ReadItem(data []byte) (Item, error) {
	var i Item
	decoder := json.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&i)
	return i, err
}

// String is the wire's form, with names in order.
func (i Item) String() string {
	data, err := json.Marshal(i.clone())
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// clone is a copy that shares no memory that anybody writes; of nil it is empty.
func (i Item) clone() Item {
	c := make(Item, len(i))
	for name, v := range i {
		c[name] = v // sets, lists and maps of a value are never written
	}
	return c
}

func (i Item) equal(o Item) bool {
	if len(i) != len(o) {
		return false
	}
	for name, v := range i {
		if w, ok := o[name]; !ok || !v.equal(w) {
			return false
		}
	}
	return true
}

// size is the bytes of names and values.
func (i Item) size() int {
	n := 0
	for name, v := range i {
		n += len(name) + v.size()
	}
	return n
}

// valid reports whether every name is UTF-8 and none is empty.
func (i Item) valid() bool {
	for name := range i {
		if name == "" || !utf8.ValidString(name) {
			return false
		}
	}
	return true
}
