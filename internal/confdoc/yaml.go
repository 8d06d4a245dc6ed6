package confdoc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// ParseYAML reads one YAML document. File names it in mistakes.
func ParseYAML(data []byte, file string) (*Node, []Mistake) {
	whole := Place{File: file}
	switch {
	case len(data) > maxDocumentBytes:
		return nil, []Mistake{{Place: whole, Message: fmt.Sprintf("more than %d bytes", maxDocumentBytes)}}
	case !utf8.Valid(data):
		return nil, []Mistake{{Place: whole, Message: "the text is not UTF-8"}}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, []Mistake{{Place: whole, Message: "the document is empty"}}
	}
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		return nil, []Mistake{yamlMistake(err, file)}
	}
	return ConvertYAML(&document, file)
}

// yamlMistake takes line and message out of the parser's error. Its messages name constructs and single characters, never
// a value.
func yamlMistake(err error, file string) Mistake {
	m := Mistake{Place: Place{File: file}, Message: "not a YAML document"}
	var parse *yaml.LoadError
	if errors.As(err, &parse) {
		m.Line = parse.Mark.Line
		m.Message = "not a YAML document: " + Printable(strings.TrimPrefix(parse.Message, "yaml: "))
	}
	return m
}

// ConvertYAML turns a parsed YAML node, the whole or a part of a document, into a tree. Aliases are resolved within the
// bounds of a document; merge keys and tags of one's own are mistakes.
func ConvertYAML(n *yaml.Node, file string) (*Node, []Mistake) {
	c := yamlConverter{file: file}
	root := c.convert(n, 0)
	return root, c.mistakes
}

type yamlConverter struct {
	file     string
	nodes    int
	stopped  bool // a bound was passed: nothing that follows is looked at
	mistakes []Mistake
}

func (c *yamlConverter) convert(n *yaml.Node, depth int) *Node {
	out := &Node{Place: Place{File: c.file, Line: n.Line}}
	c.nodes++
	switch {
	case c.stopped:
		return out
	case depth > maxDepth:
		c.stop(n, fmt.Sprintf("nested more than %d deep", maxDepth))
		return out
	case c.nodes > maxNodes:
		c.stop(n, fmt.Sprintf("more than %d values, aliases counted each time", maxNodes))
		return out
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return c.convert(n.Content[0], depth)
		}
	case yaml.AliasNode:
		resolved := c.convert(n.Alias, depth+1)
		resolved.Place = out.Place
		return resolved
	case yaml.ScalarNode:
		c.scalar(n, out)
	case yaml.SequenceNode:
		out.Kind = List
		for _, item := range n.Content {
			out.Items = append(out.Items, c.convert(item, depth+1))
		}
	case yaml.MappingNode:
		out.Kind = Map
		for i := 0; i+1 < len(n.Content); i += 2 {
			c.field(n.Content[i], n.Content[i+1], out, depth)
		}
	}
	return out
}

func (c *yamlConverter) scalar(n *yaml.Node, out *Node) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!merge":
		out.Kind, out.Text = Scalar, n.Value
	default:
		out.Kind, out.Text = Scalar, n.Value
		c.refuse(n, "the tag "+Printable(tag)+" is not supported")
	}
}

func (c *yamlConverter) field(key, value *yaml.Node, out *Node, depth int) {
	switch {
	case key.Kind != yaml.ScalarNode:
		c.refuse(key, "a key must be a plain word")
	case key.ShortTag() == "!!merge":
		c.refuse(key, "merge keys are not supported; write the keys out")
	default:
		place := Place{File: c.file, Line: key.Line}
		out.Fields = append(out.Fields, Field{Key: key.Value, Place: place, Value: c.convert(value, depth+1)})
	}
}

func (c *yamlConverter) stop(n *yaml.Node, message string) {
	c.stopped = true
	c.refuse(n, message)
}

func (c *yamlConverter) refuse(n *yaml.Node, message string) {
	c.mistakes = append(c.mistakes, Mistake{Place: Place{File: c.file, Line: n.Line}, Message: message})
}
