package fakekinesis

import (
	"encoding/json"
	"mime"
)

// A format is a way in which the protocol writes inputs and outputs.
type format struct {
	content string // Content-Type
	read    func(op string, body []byte) (request, *failure)
	write   func(out any) ([]byte, *failure)
	fail    func(f *failure) []byte
}

// formatOf is the format of a request's content type.
func formatOf(content string) format {
	kind, _, err := mime.ParseMediaType(content)
	if err == nil && kind == contentCBOR {
		return format{content: contentCBOR, read: readCBOR, write: writeCBOR, fail: failCBOR}
	}
	return format{content: contentJSON, read: readJSON, write: writeJSON, fail: failJSON}
}

func readJSON(op string, body []byte) (request, *failure) {
	decode, ok := operations[op]
	if !ok {
		return nil, fail("UnknownOperationException", "unknown operation")
	}
	in, err := decode(body)
	if err != nil {
		return nil, fail(codeUnreadable, "the request cannot be read")
	}
	return in, nil
}

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
	body, _ := json.Marshal(map[string]string{"__type": f.code, "message": f.message}) // cannot fail
	return body
}
