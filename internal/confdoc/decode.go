package confdoc

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Decoder fills typed structs from trees and collects what is wrong with them. It serves one configuration and is used
// by one goroutine.
type Decoder struct {
	schema   Schema
	lookup   func(name string) (string, bool) // of environment variables
	leaves   []Leaf                           // of the type being decoded, to find keys that stand in the wrong place
	mistakes []Mistake
	places   map[string]Place // of what was decoded, by path
	order    []string         // the paths in places, as they were met
}

// NewDecoder makes a Decoder. Lookup finds environment variables, as os.LookupEnv does.
func NewDecoder(schema Schema, lookup func(name string) (string, bool)) *Decoder {
	return &Decoder{schema: schema, lookup: lookup, places: map[string]Place{}}
}

// Add takes up mistakes that were found elsewhere.
func (d *Decoder) Add(mistakes ...Mistake) { d.mistakes = append(d.mistakes, mistakes...) }

// Refuse adds a mistake about the value at path, placed where it, or what is around it, was written.
func (d *Decoder) Refuse(path, message string, err error) {
	d.Add(Mistake{Place: d.Place(path), Path: path, Message: message, Err: err})
}

// Place returns where the value at path was written, or the nearest thing around it that was.
func (d *Decoder) Place(path string) Place {
	for {
		if place, ok := d.places[path]; ok || path == "" {
			return place
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// Mistakes returns what was wrong, in the order of files and lines.
func (d *Decoder) Mistakes() []Mistake {
	slices.SortStableFunc(d.mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return d.mistakes
}

// Decode fills the struct that into points to. Fields whose keys are not written keep their value.
func (d *Decoder) Decode(n *Node, into any) {
	v := reflect.ValueOf(into).Elem()
	d.leaves = d.schema.Leaves(v.Type())
	d.value(n, "", v, options{})
}

// Paths lists what was decoded, outer things before inner ones.
func (d *Decoder) Paths() []string { return d.order }

// note keeps where a path was first met: the place of a key rather than that of its value.
func (d *Decoder) note(path string, place Place) {
	if _, ok := d.places[path]; !ok {
		d.places[path] = place
		d.order = append(d.order, path)
	}
}

func (d *Decoder) refuse(n *Node, path, message string) {
	d.Add(Mistake{Place: n.Place, Path: path, Message: message})
}

func (d *Decoder) value(n *Node, path string, v reflect.Value, o options) {
	d.note(path, n.Place)
	if n.Kind == Null {
		d.refuse(n, path, "has no value; leave the key out for the default")
		return
	}
	t := v.Type()
	switch {
	case isLeaf(t):
		d.leaf(n, path, v, o)
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		d.value(n, path, v.Elem(), o)
	case t.Kind() == reflect.Struct:
		d.object(n, path, v)
	case t.Kind() == reflect.Slice:
		d.list(n, path, v, o)
	case t.Kind() == reflect.Map:
		d.table(n, path, v, o)
	}
}

func (d *Decoder) object(n *Node, path string, v reflect.Value) {
	members := d.schema.members(v.Type())
	known := keys(members)
	if n.Kind == Scalar && d.schema.Short[v.Type()] != nil {
		n = d.long(n, path, d.schema.Short[v.Type()])
	}
	if n.Kind != Map {
		d.refuse(n, path, "must be a map of keys: "+strings.Join(known, ", "))
		return
	}
	first, meant := map[string]Place{}, map[string]bool{}
	for _, f := range n.Fields {
		at := join(path, f.Key)
		if place, twice := first[f.Key]; twice {
			d.Add(Mistake{Place: f.Place, Path: at, Message: "written twice" + firstAt(place)})
			continue
		}
		first[f.Key] = f.Place
		i := slices.Index(known, f.Key)
		if i < 0 {
			d.Add(Mistake{Place: f.Place, Path: at, Message: "unknown key" + d.suggestKey(f.Key, known)})
			i = slices.Index(known, Nearest(f.Key, known))
			if i < 0 || n.field(known[i]) != nil || meant[known[i]] {
				continue
			}
			meant[known[i]] = true
			// The value counts as that of the key that was meant, so that the mistake has no other in its wake.
		}
		d.note(at, f.Place)
		d.value(f.Value, at, v.FieldByIndex(members[i].index), members[i].options)
	}
}

func keys(members []member) []string {
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m.key
	}
	return all
}

func firstAt(p Place) string {
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf("; the first is in line %d", p.Line)
}

// suggestKey finds the right key: one that is written alike, or the same one elsewhere, or says which there are.
func (d *Decoder) suggestKey(key string, known []string) string {
	if Nearest(key, known) == "" {
		for _, leaf := range d.leaves {
			if leaf.Path[len(leaf.Path)-1] == key {
				return "; did you mean " + strings.Join(leaf.Path, ".") + "?"
			}
		}
	}
	return Suggest(key, known)
}

// long turns the short form "quakes:4" into a map.
func (d *Decoder) long(n *Node, path string, names []string) *Node {
	text, ok := d.text(n, path)
	out := &Node{Kind: Map, Source: n.Source, Place: n.Place}
	parts, hidden := strings.Split(text, ":"), n.Hidden || text != n.Text
	if !ok {
		return out
	}
	if len(parts) > len(names) {
		d.refuse(n, path, "has too many colons; the short form is "+strings.Join(names, ":"))
		return out
	}
	for i, part := range parts {
		value := &Node{Kind: Scalar, Source: FromEnvironment, Place: n.Place, Text: part, Hidden: hidden}
		out.Fields = append(out.Fields, Field{Key: names[i], Place: n.Place, Value: value})
	}
	return out
}

func (d *Decoder) list(n *Node, path string, v reflect.Value, o options) {
	if n.Kind == Scalar && n.Source != FromFile {
		n = d.split(n, path)
	}
	if n.Kind != List {
		d.refuse(n, path, "must be a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(n.Items))
	for i, item := range n.Items {
		if item == nil {
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(item, index(path, i), value, o)
		list = reflect.Append(list, value)
	}
	v.Set(list)
}

// split turns "a,b" into a list.
func (d *Decoder) split(n *Node, path string) *Node {
	text, ok := d.text(n, path)
	hidden := n.Hidden || text != n.Text
	out := &Node{Kind: List, Source: n.Source, Place: n.Place}
	if !ok {
		return out
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		item := &Node{Kind: Scalar, Source: FromEnvironment, Place: n.Place, Text: part, Hidden: hidden}
		out.Items = append(out.Items, item)
	}
	return out
}

func (d *Decoder) table(n *Node, path string, v reflect.Value, o options) {
	if n.Kind != Map {
		d.refuse(n, path, "must be a map")
		return
	}
	table := reflect.MakeMap(v.Type())
	for _, f := range n.Fields {
		at, key := join(path, f.Key), reflect.ValueOf(f.Key).Convert(v.Type().Key())
		if table.MapIndex(key).IsValid() {
			d.Add(Mistake{Place: f.Place, Path: at, Message: "written twice"})
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(f.Value, at, value, o)
		table.SetMapIndex(key, value)
	}
	v.Set(table)
}

// text returns what a scalar says, with references replaced as its source allows.
func (d *Decoder) text(n *Node, path string) (string, bool) {
	if n.Kind != Scalar {
		d.refuse(n, path, "must be one value, not a list or a map")
		return "", false
	}
	if n.Source == FromEnvironment {
		return n.Text, true
	}
	text, err := expand(n.Text, d.lookup)
	if err != nil {
		d.refuse(n, path, err.Error())
		return "", false
	}
	return text, true
}
