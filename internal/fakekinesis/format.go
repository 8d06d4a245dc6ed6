package fakekinesis

import (
	"encoding/json"
	"mime"
)

// A format is a way in which the protocol writes inputs and outputs.
type format struct {
	content string // Content-Type
	read    func(in request, body []byte) error
	write   func(out any) ([]byte, *failure)
	fail    func(f *failure) []byte
}

// wireError is an error as it is written.
type wireError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// formatOf is the format of a request's content type.
func (s *Server) formatOf(content string) format {
	kind, _, err := mime.ParseMediaType(content)
	if err == nil && kind == contentCBOR {
		return cborFormat(s.cfg.Seed%2 == 1)
	}
	return format{content: contentJSON, read: readJSON, write: writeJSON, fail: failJSON}
}

// input reads the input of an operation.
func (f format) input(op string, body []byte) (request, *failure) {
	empty, ok := operations[op]
	if !ok {
		return nil, fail("UnknownOperationException", "unknown operation")
	}
	in := empty()
	if err := f.read(in, body); err != nil {
		return nil, fail(codeUnreadable, "the request cannot be read")
	}
	return in, nil
}

func readJSON(in request, body []byte) error { return json.Unmarshal(body, in) }

func writeJSON(out any) ([]byte, *failure) {
	if out == nil {
		return nil, nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, &failure{code: "InternalFailure", message: err.Error(), status: 500}
	}
	return body, nil
}

func failJSON(f *failure) []byte {
	body, _ := json.Marshal(wireError{f.code, f.message}) // two texts: it cannot fail
	return body
}
