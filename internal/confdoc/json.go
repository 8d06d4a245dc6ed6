package confdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// ParseJSON reads one JSON value (RFC 8259). File names it in mistakes. Duplicate keys are kept for the Decoder to refuse.
func ParseJSON(data []byte, file string) (*Node, []Mistake) {
	whole := Place{File: file}
	switch {
	case len(data) > maxDocumentBytes:
		return nil, []Mistake{{Place: whole, Message: fmt.Sprintf("more than %d bytes", maxDocumentBytes)}}
	case !utf8.Valid(data):
		return nil, []Mistake{{Place: whole, Message: "the text is not UTF-8"}}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, []Mistake{{Place: whole, Message: "the document is empty"}}
	}
	p := jsonParser{file: file, data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	p.decoder.UseNumber()
	root, err := p.value(0)
	if err == nil {
		if _, err = p.decoder.Token(); err == nil {
			err = errTrailing
		} else if errors.Is(err, io.EOF) {
			return root, nil
		}
	}
	return nil, []Mistake{{Place: p.place(), Message: "not a JSON document: " + jsonMessage(err)}}
}

var (
	errTrailing = errors.New("something follows the end of the document")
	errTooDeep  = fmt.Errorf("nested more than %d deep", maxDepth)
	errTooMany  = fmt.Errorf("more than %d values", maxNodes)
)

// jsonMessage says what is wrong. The messages of encoding/json name constructs and single characters, never a value.
func jsonMessage(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return Printable(err.Error())
}

type jsonParser struct {
	file    string
	data    []byte
	decoder *json.Decoder
	nodes   int
	line    int // of the byte at offset counted
	counted int
}

// place is where the last token ended.
func (p *jsonParser) place() Place {
	end := min(int(p.decoder.InputOffset()), len(p.data))
	p.line += bytes.Count(p.data[p.counted:end], []byte("\n"))
	p.counted = end
	return Place{File: p.file, Line: p.line}
}

func (p *jsonParser) value(depth int) (*Node, error) {
	p.nodes++
	switch {
	case depth > maxDepth:
		return nil, errTooDeep
	case p.nodes > maxNodes:
		return nil, errTooMany
	}
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := &Node{Place: p.place()}
	switch t := token.(type) {
	case string:
		n.Kind, n.Text = Scalar, t
	case json.Number:
		n.Kind, n.Text = Scalar, t.String()
	case bool:
		n.Kind, n.Text = Scalar, fmt.Sprint(t)
	case json.Delim:
		return n, p.inside(t, n, depth)
	}
	return n, nil
}

// inside reads what an opening bracket or brace contains, and its closing one.
func (p *jsonParser) inside(open json.Delim, n *Node, depth int) error {
	n.Kind = List
	if open == '{' {
		n.Kind = Map
	}
	for p.decoder.More() {
		var f Field
		if n.Kind == Map {
			key, err := p.decoder.Token()
			if err != nil {
				return err
			}
			f.Key, f.Place = key.(string), p.place() // Token guarantees that a key is a string
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		if n.Kind == Map {
			f.Value = value
			n.Fields = append(n.Fields, f)
		} else {
			n.Items = append(n.Items, value)
		}
	}
	_, err := p.decoder.Token()
	return err
}
