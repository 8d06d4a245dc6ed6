package fakekinesis

import (
	"cmp"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A shape tells the fields of structs as the protocol names them, with those of embedded structs.
type shape map[reflect.Type][]shapeField

type shapeField struct {
	name  string
	index []int
	omit  bool // if empty
}

func (s shape) of(t reflect.Type) []shapeField {
	if f, ok := s[t]; ok {
		return f
	}
	fields := []shapeField{}
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous {
			name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, shapeField{cmp.Or(name, f.Name), f.Index, option == "omitempty"})
		}
	}
	s[t] = fields
	return fields
}

var stampType = reflect.TypeFor[stamp]()

// fill sets v to a decoded value. Fields that v does not have are left out.
func (s shape) fill(v reflect.Value, from any) error {
	if from == nil {
		return nil
	}
	switch {
	case v.Type() == stampType:
		n, ok := from.(int64)
		v.Set(reflect.ValueOf(stamp{time.UnixMilli(n)}))
		return mustBe(ok)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return s.fill(v.Elem(), from)
	case v.Kind() == reflect.Struct:
		fields, ok := from.(map[string]any)
		for _, f := range s.of(v.Type()) {
			if err := s.fill(v.FieldByIndex(f.index), fields[f.name]); err != nil {
				return err
			}
		}
		return mustBe(ok)
	case v.Kind() == reflect.Slice:
		return s.fillList(v, from)
	}
	return fillPlain(v, from)
}

func (s shape) fillList(v reflect.Value, from any) error {
	if b, ok := from.([]byte); ok && v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(b)
		return nil
	}
	list, ok := from.([]any)
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i := range list {
		if err := s.fill(v.Index(i), list[i]); err != nil {
			return err
		}
	}
	return mustBe(ok)
}

func fillPlain(v reflect.Value, from any) error {
	switch x := from.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(x)
			return nil
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return nil
		}
	case int64:
		if v.CanInt() && !v.OverflowInt(x) {
			v.SetInt(x)
			return nil
		}
	}
	return errCBOR
}

func mustBe(ok bool) error {
	if !ok {
		return errCBOR
	}
	return nil
}

// appendHead writes a major type and its argument.
func appendHead(b []byte, major byte, n uint64) []byte {
	switch m := major << 5; {
	case n < 24:
		return append(b, m|byte(n))
	case n <= math.MaxUint8:
		return append(b, m|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, m|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, m|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, m|27), n)
	}
}

func appendText(b []byte, text string) []byte {
	return append(appendHead(b, cborText, uint64(len(text))), text...)
}

// append writes v. Maps are of indefinite length if loose: a reader has to take both.
func (s shape) append(b []byte, v reflect.Value, loose bool) []byte {
	const truth, open, end = cborPlain<<5 | 20, cborMap<<5 | cborOpen, cborPlain<<5 | cborOpen
	switch {
	case v.Type() == stampType: // milliseconds, under the tag of times, as Amazon's Java SDK writes and reads them
		return appendHead(append(b, cborTag<<5|1), cborUint, uint64(v.Interface().(stamp).UnixMilli()))
	case v.Kind() == reflect.Pointer:
		return s.append(b, v.Elem(), loose)
	case v.Kind() == reflect.String:
		return appendText(b, v.String())
	case v.CanInt():
		return appendHead(b, cborUint, uint64(v.Int()))
	case v.Kind() == reflect.Bool && v.Bool():
		return append(b, truth+1)
	case v.Kind() == reflect.Bool:
		return append(b, truth)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return append(appendHead(b, cborBytes, uint64(v.Len())), v.Bytes()...)
	case v.Kind() == reflect.Slice:
		b = appendHead(b, cborList, uint64(v.Len()))
		for i := range v.Len() {
			b = s.append(b, v.Index(i), loose)
		}
		return b
	}
	fields := s.present(v)
	if loose {
		b = append(b, open)
	} else {
		b = appendHead(b, cborMap, uint64(len(fields)))
	}
	for _, f := range fields {
		b = s.append(appendText(b, f.name), v.FieldByIndex(f.index), loose)
	}
	if loose {
		b = append(b, end)
	}
	return b
}

// present are the fields of v that are written.
func (s shape) present(v reflect.Value) []shapeField {
	all := s.of(v.Type())
	absent := func(f shapeField) bool { return f.omit && v.FieldByIndex(f.index).IsZero() }
	if !slices.ContainsFunc(all, absent) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), absent)
}
