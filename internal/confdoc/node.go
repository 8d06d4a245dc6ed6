// Package confdoc reads configuration. YAML, JSON, the query of a URL and environment variables become one tree of nodes
// that know where they were written; a Decoder fills a typed struct from it and reports every mistake at once.
//
// It holds no state between two decodings and knows no backend: what is special about a type is told by a Schema.
package confdoc

// A Kind tells the nodes apart.
type Kind uint8

// The kinds of nodes.
const (
	Null   Kind = iota // written without a value
	Scalar             // a text, whatever its type will be
	List
	Map
)

// A Source says who wrote a scalar: it decides how lists, references and secrets may be written.
type Source uint8

// The sources.
const (
	FromFile        Source = iota // ${NAME} is expanded
	FromURL                       // ${NAME} is expanded, lists have commas, a secret must be a reference
	FromEnvironment               // taken as it is, lists have commas
)

// A Node is one value of a configuration.
type Node struct {
	Kind   Kind
	Source Source
	Place  Place
	Text   string  // Scalar: as written, references not expanded
	Hidden bool    // Scalar: Text is what references stood for, and is not repeated in messages
	Items  []*Node // List: nil is an item that was taken out, see Without
	Fields []Field // Map: in the order in which they were written, duplicates kept
}

// A Field is one key of a Map.
type Field struct {
	Key   string
	Place Place
	Value *Node
}

// A Place is where something was written.
type Place struct {
	File string // "" if it has no name
	Line int    // from 1; 0: not known
	Key  string // how the writer called it, where that is not the path of keys: a variable's name, a query key
}

// Bounds on a document, so that a hostile one costs little. The largest sensible configuration is far below each.
const (
	maxDocumentBytes = 1 << 20
	maxDepth         = 32
	maxNodes         = 20_000
	maxURLBytes      = 16 << 10
)

// field returns the first field of that key, or nil.
func (n *Node) field(key string) *Field {
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return &n.Fields[i]
		}
	}
	return nil
}

// at returns the value under the path of keys, or nil.
func (n *Node) at(path []string) *Node {
	for _, key := range path {
		f := n.field(key)
		if f == nil {
			return nil
		}
		n = f.Value
	}
	return n
}

// set puts value under the path of keys, making maps where there are none. It reports false where something else than a
// map is in the way.
func (n *Node) set(path []string, value *Node) bool {
	if n.Kind == Null {
		n.Kind = Map
	}
	if n.Kind != Map {
		return false
	}
	f := n.field(path[0])
	if f == nil {
		n.Fields = append(n.Fields, Field{Key: path[0], Place: value.Place, Value: &Node{Place: value.Place}})
		f = &n.Fields[len(n.Fields)-1]
	}
	if len(path) > 1 {
		return f.Value.set(path[1:], value)
	}
	f.Place, f.Value = value.Place, value
	return true
}
