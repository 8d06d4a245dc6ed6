package confdoc

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport/internal/secret"
)

// Encode makes the tree that Decode would read v from, a struct or a pointer to one. Zero values are left out; secrets
// are "***", which Decode refuses.
func (s Schema) Encode(v any) (*Node, error) { return s.encode(reflect.ValueOf(v), options{}) }

func (s Schema) encode(v reflect.Value, o options) (*Node, error) {
	n := &Node{Kind: Scalar}
	var err error
	switch {
	case v.Type() == secretType:
		n.Text = secret.Mask
	case isLeaf(v.Type()):
		n.Text, err = format(v, o)
	case v.Kind() == reflect.Pointer:
		return s.encode(v.Elem(), o)
	case v.Kind() == reflect.Struct:
		n.Kind = Map
		err = s.encodeFields(v, n)
	case v.Kind() == reflect.Slice:
		n.Kind = List
		n.Items = make([]*Node, v.Len())
		for i := 0; i < v.Len() && err == nil; i++ {
			n.Items[i], err = s.encode(v.Index(i), o)
		}
	case v.Kind() == reflect.Map:
		n.Kind = Map
		err = s.encodeTable(v, o, n)
	}
	return n, err
}

func (s Schema) encodeFields(v reflect.Value, n *Node) error {
	for _, m := range s.members(v.Type()) {
		field := v.FieldByIndex(m.index)
		if field.IsZero() {
			continue
		}
		value, err := s.encode(field, m.options)
		if err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
		n.Fields = append(n.Fields, Field{Key: m.key, Value: value})
	}
	return nil
}

func (s Schema) encodeTable(v reflect.Value, o options, n *Node) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return bytes.Compare([]byte(a.String()), []byte(b.String())) })
	for _, key := range keys {
		value, err := s.encode(v.MapIndex(key), o)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		n.Fields = append(n.Fields, Field{Key: key.String(), Value: value})
	}
	return nil
}

// format is the inverse of setLeaf. Text that looks like a reference is written so that it is not one.
func format(v reflect.Value, o options) (string, error) {
	switch m := v.Interface().(type) {
	case time.Duration:
		if o.forever && m < 0 {
			return "forever", nil
		}
		return FormatDuration(m), nil
	case encoding.TextMarshaler:
		text, err := m.MarshalText()
		return escape(string(text)), err
	}
	switch {
	case v.Kind() == reflect.String:
		return escape(v.String()), nil
	case o.bytes && v.CanInt() && v.Int() >= 0:
		return FormatSize(v.Int()), nil
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()), nil
	}
	return fmt.Sprint(v.Interface()), nil
}

// YAML turns the tree into what the YAML package writes.
func (n *Node) YAML() *yaml.Node {
	switch n.Kind {
	case List:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.Items {
			out.Content = append(out.Content, item.YAML())
		}
		return out
	case Map:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range n.Fields {
			out.Content = append(out.Content, scalarYAML(f.Key), f.Value.YAML())
		}
		return out
	}
	return scalarYAML(n.Text)
}

// plainYAML is what a scalar may look like without quotes and mean the same.
var plainYAML = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]*$`)

// scalarYAML quotes a text that would otherwise not be read back as it is.
func scalarYAML(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if !plainYAML.MatchString(text) || strings.EqualFold(text, "null") {
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	return n
}

// JSON writes the tree. Every scalar is a string, which Decode takes for any type.
func (n *Node) JSON() ([]byte, error) {
	var out bytes.Buffer
	err := n.json(&out)
	return out.Bytes(), err
}

func (n *Node) json(out *bytes.Buffer) error {
	switch n.Kind {
	case List:
		out.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := item.json(out); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case Map:
		out.WriteByte('{')
		for i, f := range n.Fields {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := (&Node{Kind: Scalar, Text: f.Key}).json(out); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := f.Value.json(out); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	default:
		text, err := json.Marshal(n.Text)
		out.Write(text)
		return err
	}
	return nil
}
