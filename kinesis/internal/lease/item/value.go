package item

import (
	"slices"
	"strconv"
)

// A Type is the type of an attribute's value, by DynamoDB's name.
type Type string

// The types that leases have. Every other is Other: it is left as it is, and a lease's own attribute cannot have it.
const (
	S     Type = "S"
	N     Type = "N"
	B     Type = "B"
	SS    Type = "SS"
	Bool  Type = "BOOL"
	Null  Type = "NULL"
	Other Type = "other"
)

// A Value is the value of an attribute.
type Value struct {
	Type  Type
	Text  string   // S; N in decimal
	Bytes []byte   // B
	Set   []string // SS
	Truth bool     // BOOL
}

func text(s string) Value  { return Value{Type: S, Text: s} }
func number(n int64) Value { return Value{Type: N, Text: strconv.FormatInt(n, 10)} }

// set has each member once, as DynamoDB wants it.
func set(all []string) Value {
	return Value{Type: SS, Set: slices.Compact(slices.Sorted(slices.Values(all)))}
}

func truth() Value { return Value{Type: Bool, Truth: true} }

// state tells an empty one from none.
func state(data []byte) Value {
	if len(data) == 0 {
		return Value{Type: Null}
	}
	return Value{Type: B, Bytes: data}
}
