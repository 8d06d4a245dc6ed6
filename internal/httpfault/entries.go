package httpfault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

const putRecords = "PutRecords"

// contentCBOR is the type of bodies that are CBOR; others are JSON.
const contentCBOR = "application/x-amz-cbor-1.1"

func isCBOR(h http.Header) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "application/x-amz-cbor")
}

func errorCBOR(code, message string) []byte {
	return cbor.Encode(cbor.Map{"__type": cbor.String(code), "message": cbor.String(message)})
}

// failed is an entry of PutRecords that fails without being stored.
type failed struct {
	index int
	code  string
}

// errShape says that a body is no request or answer of PutRecords.
var errShape = errors.New("httpfault: not of PutRecords")

// failEntries chooses the entries that fail.
func (c *call) failEntries(r Rule) {
	m, err := decodeRecords(c.header, c.body)
	if err != nil {
		return // the target refuses it
	}
	n := m.len()
	draws := c.proxy.draw(n)
	for i := range n {
		is := func(f failed) bool { return f.index == i }
		if (slices.Contains(r.Entries, i) || draws[i] < r.Share) && !slices.ContainsFunc(c.failed, is) {
			c.failed = append(c.failed, failed{i, r.Code})
		}
	}
}

// forwardRest asks the target for the entries that do not fail, and answers for those that do.
func (c *call) forwardRest(ctx context.Context) (*http.Response, error) {
	request, err := decodeRecords(c.header, c.body)
	if err != nil {
		return nil, err
	}
	total := request.len()
	slices.SortFunc(c.failed, func(a, b failed) int { return b.index - a.index }) // from the end
	for _, f := range c.failed {
		request.remove(f.index)
	}
	slices.Reverse(c.failed)
	if len(c.failed) == total {
		return c.compose(c.header.Get("Content-Type"), request.empty())
	}
	resp, err := c.send(ctx, request.encode())
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	answer, err := decodeRecords(resp.Header, body)
	if err != nil {
		return nil, err
	}
	return c.compose(resp.Header.Get("Content-Type"), answer)
}

// compose adds the entries that failed to an answer.
func (c *call) compose(contentType string, answer records) (*http.Response, error) {
	for _, f := range c.failed {
		answer.fail(f.index, f.code)
	}
	body := answer.encode()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// records is a body with a list named Records.
type records interface {
	len() int
	remove(i int)
	fail(i int, code string) // inserts an answer, and counts it
	empty() records          // an answer without entries
	encode() []byte
}

func decodeRecords(h http.Header, body []byte) (records, error) {
	if isCBOR(h) {
		v, err := cbor.Decode(body)
		if err != nil {
			return nil, err
		}
		m, _ := v.(cbor.Map)
		list, ok := m["Records"].(cbor.List)
		if !ok {
			return nil, errShape
		}
		return &cborBody{m, list}, nil
	}
	t := &jsonBody{}
	if err := json.Unmarshal(body, &t.all); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(t.all["Records"], &t.list); err != nil {
		return nil, errors.Join(errShape, err)
	}
	return t, nil
}

const failedMessage = "a fault that a test asked for"

// jsonBody is a body in JSON.
type jsonBody struct {
	all  map[string]json.RawMessage
	list []json.RawMessage
}

func (t *jsonBody) len() int     { return len(t.list) }
func (t *jsonBody) remove(i int) { t.list = slices.Delete(t.list, i, i+1) }
func (t *jsonBody) empty() records {
	return &jsonBody{all: map[string]json.RawMessage{"FailedRecordCount": json.RawMessage("0")}}
}

func (t *jsonBody) fail(i int, code string) {
	t.list = slices.Insert(t.list, i, marshal(map[string]string{"ErrorCode": code, "ErrorMessage": failedMessage}))
	var n int
	_ = json.Unmarshal(t.all["FailedRecordCount"], &n) // an emulator that does not count has 0
	t.all["FailedRecordCount"] = marshal(n + 1)
}

func (t *jsonBody) encode() []byte {
	t.all["Records"] = marshal(t.list)
	return marshal(t.all)
}

// marshal encodes what always encodes.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// cborBody is a body in CBOR.
type cborBody struct {
	all  cbor.Map
	list cbor.List
}

func (b *cborBody) len() int     { return len(b.list) }
func (b *cborBody) remove(i int) { b.list = slices.Delete(b.list, i, i+1) }
func (b *cborBody) empty() records {
	return &cborBody{all: cbor.Map{"FailedRecordCount": cbor.Uint(0)}}
}

func (b *cborBody) fail(i int, code string) {
	one := cbor.Map{"ErrorCode": cbor.String(code), "ErrorMessage": cbor.String(failedMessage)}
	b.list = slices.Insert(b.list, i, cbor.Value(one))
	n, _ := b.all["FailedRecordCount"].(cbor.Uint)
	b.all["FailedRecordCount"] = n + 1
}

func (b *cborBody) encode() []byte {
	b.all["Records"] = b.list
	return cbor.Encode(b.all)
}
