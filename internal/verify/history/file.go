package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// Write writes the operations, one JSON object a line.
func Write(w io.Writer, ops []Op) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	for i := range ops {
		if err := enc.Encode(lineOf(ops[i])); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	return b.Flush()
}

// Read reads what Write wrote, and refuses fields that it does not know.
func Read(r io.Reader) ([]Op, error) {
	dec := json.NewDecoder(bufio.NewReader(r))
	dec.DisallowUnknownFields()
	var ops []Op
	for {
		var l line
		err := dec.Decode(&l)
		if err == io.EOF {
			return ops, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read history after operation %d: %w", len(ops), err)
		}
		ops = append(ops, l.op())
	}
}

// A line is an operation as it is written. JSON has no strings of arbitrary bytes, and keys are such.
type line struct {
	Op
	Bytes []byte `json:"keyBytes,omitempty"` // the key if it is not UTF-8
}

func lineOf(op Op) line {
	if utf8.ValidString(op.Key) {
		return line{Op: op}
	}
	l := line{Op: op, Bytes: []byte(op.Key)}
	l.Key = ""
	return l
}

func (l line) op() Op {
	if len(l.Bytes) > 0 {
		l.Key = string(l.Bytes)
	}
	return l.Op
}
