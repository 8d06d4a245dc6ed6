package fakekinesis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

const (
	tablesTarget = "DynamoDB_20120810."
	tablesType   = "application/x-amz-json-1.0"
)

// A tableCall is an operation with its input: it is done once, and returns what is answered.
type tableCall interface {
	// place is the table and the key that the call names.
	place() (name, id string)
	run(t *Tables) (any, error)
}

// read makes an action of a request.
func (t *Tables) read(request *http.Request) (action, error) {
	op, known := strings.CutPrefix(request.Header.Get("X-Amz-Target"), tablesTarget)
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return action{}, err
		}
		if err := request.Body.Close(); err != nil {
			return action{}, err
		}
	}
	a := action{call: Call{Op: op}, refuse: func(code string, status int) *http.Response {
		return t.refused(request, &refusal{code: code, message: "as the script says"}, status)
	}}
	call, err := parseTableCall(op, known, request.Header, body)
	if err == nil {
		a.call.Resource, a.call.Item = call.place()
	}
	a.do = func(outcome) *http.Response {
		if err != nil {
			return t.refused(request, err, http.StatusBadRequest)
		}
		output, err := t.locked(call)
		if err != nil {
			return t.refused(request, err, http.StatusBadRequest)
		}
		return t.respond(request, http.StatusOK, output)
	}
	return a, nil
}

// locked does a call.
func (t *Tables) locked(call tableCall) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return call.run(t)
}

// parseTableCall reads the input of an operation. Members that are not known are refused, so that nothing is ignored.
func parseTableCall(op string, known bool, header http.Header, body []byte) (tableCall, error) {
	if header.Get("Authorization") == "" {
		return nil, &refusal{code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"}
	}
	var call tableCall
	switch op {
	case "CreateTable":
		call = &createTable{}
	case "DescribeTable":
		call = &describeTable{}
	case "DeleteTable":
		call = &deleteTable{}
	case "GetItem":
		call = &getItem{}
	case "PutItem":
		call = &putItem{}
	case "UpdateItem":
		call = &updateItem{}
	case "DeleteItem":
		call = &deleteItem{}
	case "Scan":
		call = &scan{}
	default:
		known = false
	}
	if !known || header.Get("Content-Type") != tablesType {
		return nil, &refusal{code: "UnknownOperationException", message: "The fake does not know " + op}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(call); err != nil {
		var r *refusal
		if errors.As(err, &r) {
			return nil, r
		}
		return nil, &refusal{code: "SerializationException", message: err.Error()}
	}
	return call, nil
}

// refused is the answer of a failure.
func (t *Tables) refused(request *http.Request, err error, status int) *http.Response {
	var r *refusal
	if !errors.As(err, &r) {
		r, status = &refusal{code: "InternalServerError", message: err.Error()}, http.StatusInternalServerError
	}
	body := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + r.code, "message": r.message}
	if len(r.item) > 0 && !t.options.Bare {
		body["Item"] = r.item
	}
	return t.respond(request, status, body)
}

// respond writes an answer with the checksum that the SDK compares.
func (t *Tables) respond(request *http.Request, status int, output any) *http.Response {
	body, err := json.Marshal(output)
	if err != nil {
		return t.refused(request, err, http.StatusInternalServerError) // whose body is of strings only
	}
	header := http.Header{}
	header.Set("Content-Type", tablesType)
	header.Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(body)))
	header.Set("X-Amzn-Requestid", "FAKE")
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}
}
