package confdoc

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/streamport-go/streamport/internal/secret"
)

// A Schema says what the types of a configuration do not say themselves. The keys of a struct are its exported fields in
// snake_case; a tag `config:"key,option,…"` gives another key ("-": none, as with the
// tag `yaml:"-"`) and options:
//
//	bytes     an integer that is a size; so is each whose key ends in _bytes
//	zero      0 may be written; without it 0 is refused, since it means the same as leaving the key out
//	signed    negative numbers may be written
//	forever   a duration that may be "forever", which is -1
//	min=, max=  the bounds of a number, size or duration, in its own form
//
// Functions, interfaces, channels and structs without any key have no key themselves.
type Schema struct {
	Tags  map[reflect.Type]map[string]string // tags for the fields of types that carry none
	Words map[reflect.Type][]string          // the words that values of a type are
	Short map[reflect.Type][]string          // keys of a struct that may be written as one text with colons, in order
	Skip  map[reflect.Type]bool              // types that have no key
}

// A member is one key of a struct.
type member struct {
	key     string
	index   []int
	typ     reflect.Type
	options options
}

// options are what a tag says beside the key.
type options struct {
	bytes, zero, signed, forever bool
	min, max                     string
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// members lists the keys of a struct in the order of its fields, those of embedded structs in their place.
func (s Schema) members(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("config")
		if own, ok := s.Tags[t][f.Name]; ok {
			tag = own
		}
		if !f.IsExported() || tag == "-" || f.Tag.Get("yaml") == "-" {
			continue
		}
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			for _, m := range s.members(f.Type) {
				m.index = append([]int{i}, m.index...)
				all = append(all, m)
			}
			continue
		}
		m := member{index: []int{i}, typ: f.Type}
		m.key, m.options = parseTag(f.Name, tag)
		if s.configurable(f.Type) {
			all = append(all, m)
		}
	}
	return all
}

func parseTag(name, tag string) (string, options) {
	parts := strings.Split(tag, ",")
	key := parts[0]
	if key == "" {
		key = Snake(name)
	}
	o := options{bytes: strings.HasSuffix(key, "_bytes") || key == "bytes"}
	for _, part := range parts[1:] {
		switch word, value, _ := strings.Cut(part, "="); word {
		case "bytes":
			o.bytes = true
		case "zero":
			o.zero = true
		case "signed":
			o.signed = true
		case "forever":
			o.forever = true
		case "min":
			o.min = value
		case "max":
			o.max = value
		default:
			panic(fmt.Sprintf("config tag of %s: unknown option %q", name, word))
		}
	}
	return key, o
}

// configurable reports whether a text can say a value of the type.
func (s Schema) configurable(t reflect.Type) bool {
	switch {
	case s.Skip[t]:
		return false
	case isLeaf(t):
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return s.configurable(t.Elem())
	case reflect.Map:
		return t.Key().Kind() == reflect.String && s.configurable(t.Elem())
	case reflect.Struct:
		return len(s.members(t)) > 0
	}
	return false
}

// isLeaf reports whether values of the type are written as one scalar.
func isLeaf(t reflect.Type) bool {
	if t == secretType || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// Snake turns a Go name into a key: MaxRecordBytes into max_record_bytes, TLSConfig into tls_config.
func Snake(name string) string {
	var out strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) {
			begins := i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if !unicode.IsUpper(letters[i-1]) || begins {
				out.WriteByte('_')
			}
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// A Leaf is a key that one text can set.
type Leaf struct {
	Path   []string
	Secret bool
}

// Leaves lists the keys of a struct type that one text can set, those of nested structs included: scalars, and lists of
// scalars or of structs with a short form.
func (s Schema) Leaves(t reflect.Type) []Leaf {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var all []Leaf
	for _, m := range s.members(t) {
		typ := m.typ
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case isLeaf(typ), typ.Kind() == reflect.Slice && (isLeaf(typ.Elem()) || s.Short[typ.Elem()] != nil):
			all = append(all, Leaf{Path: []string{m.key}, Secret: typ == secretType})
		case typ.Kind() == reflect.Struct:
			for _, leaf := range s.Leaves(typ) {
				leaf.Path = append([]string{m.key}, leaf.Path...)
				all = append(all, leaf)
			}
		}
	}
	return all
}
